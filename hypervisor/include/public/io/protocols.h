/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* What a front-end writes to its "protocol" node: the layout its rings have. */
#ifndef XEN_PUBLIC_IO_PROTOCOLS_H
#define XEN_PUBLIC_IO_PROTOCOLS_H

#define XEN_IO_PROTO_ABI_X86_32 "x86_32-abi"
#define XEN_IO_PROTO_ABI_X86_64 "x86_64-abi"
#define XEN_IO_PROTO_ABI_ARM    "arm-abi"
#define XEN_IO_PROTO_ABI_NATIVE XEN_IO_PROTO_ABI_X86_64

#endif /* XEN_PUBLIC_IO_PROTOCOLS_H */
