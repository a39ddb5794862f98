/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* The hypervisor's own memcpy and its like, beside the C library's: own_memcpy. */
#include <stddef.h>

#define __PAVISE_HYPERVISOR__

#define memcpy      own_memcpy
#define memmove     own_memmove
#define memset      own_memset
#define memcmp      own_memcmp
#define memchr      own_memchr
#define strlen      own_strlen
#define strnlen     own_strnlen
#define strcmp      own_strcmp
#define strncmp     own_strncmp
#define strchr      own_strchr
#define hv_strlcpy  own_strlcpy
#define hv_strtoull own_strtoull
#define hv_sort     own_sort

#include "../../../hypervisor/lib/string.c"
