/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* Loads libxml2. It stays for the life of the program. */
#include "dom0-tools/xl/xml_lib.h"

#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>

struct xml_lib lx;

static const struct {
	const char *name;
	size_t offset;
} symbols[] = {
#define XML_LIB_ENTRY(name) {#name, offsetof(struct xml_lib, name)},
	XML_LIB_SYMBOLS(XML_LIB_ENTRY)
#undef XML_LIB_ENTRY
};

int xml_lib_load(const char **ret_why)
{
	static void *lib;
	void *found;

	if (lib)
		return 0;
	/* The headers' version: 2.y.z are one ABI. */
	lib = dlopen("libxml2.so.2", RTLD_NOW | RTLD_LOCAL);
	for (size_t i = 0; lib && i < sizeof(symbols) / sizeof(symbols[0]); i++) {
		found = dlsym(lib, symbols[i].name);
		if (!found) {
			lib = NULL; /* never unloaded: a half-known library does no harm */
			break;
		}
		*(void **)((char *)&lx + symbols[i].offset) = found;
	}
	if (lib)
		return 0;
	*ret_why = dlerror();
	return -ENOPKG;
}
