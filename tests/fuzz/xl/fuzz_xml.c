/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* A domain's XML, libvirt's, as any file may have it: see config.c. */
#include "dom0-tools/xl/xml.h"
#include "tests/fuzz/xl/config.h"

#define NEST 16

/* Elements and attributes */
static const char *const names[] = {"address",
				    "backenddomain",
				    "block",
				    "bootloader",
				    "bootloader_args",
				    "bridge",
				    "bytes",
				    "cdrom",
				    "clock",
				    "cmdline",
				    "console",
				    "cpuset",
				    "cputune",
				    "current",
				    "currentMemory",
				    "description",
				    "dev",
				    "device",
				    "devices",
				    "disk",
				    "domain",
				    "driver",
				    "emulator",
				    "file",
				    "initrd",
				    "interface",
				    "ip",
				    "kernel",
				    "linux",
				    "localtime",
				    "mac",
				    "memory",
				    "metadata",
				    "model",
				    "mtu",
				    "name",
				    "offset",
				    "on_crash",
				    "on_poweroff",
				    "on_reboot",
				    "os",
				    "path",
				    "readonly",
				    "script",
				    "shares",
				    "size",
				    "source",
				    "target",
				    "title",
				    "type",
				    "unit",
				    "utc",
				    "uuid",
				    "variable",
				    "vcpu",
				    "vcpupin",
				    "xen",
				    "xenpv"};

static const char *name(uint8_t which)
{
	return names[which % (sizeof(names) / sizeof(names[0]))];
}

static void open_element(struct fuzz_text *t, const uint8_t *data)
{
	fuzz_add(t, "<");
	fuzz_add(t, name(data[0]));
	for (unsigned int i = 1; i < 5 && data[i] & 0x80; i += 2) {
		/* None twice: that is an error of the form. */
		if (i > 1 && name(data[i]) == name(data[1]))
			break;
		fuzz_add(t, " ");
		fuzz_add(t, name(data[i]));
		fuzz_add(t, "=");
		fuzz_quoted(t, fuzz_word(data[i + 1]));
	}
	fuzz_add(t, ">");
}

static void close_element(struct fuzz_text *t, const char *what)
{
	fuzz_add(t, "</");
	fuzz_add(t, what);
	fuzz_add(t, ">");
}

/* Six bytes an element: its name, two attributes with values, what is in it or an end. */
void fuzz_make(const uint8_t *data, size_t size, struct fuzz_text *t)
{
	const char *nest[NEST] = {"domain"};
	unsigned int depth = 0;

	fuzz_add(t, "<domain type=\"xen\">");
	for (; size >= 6; data += 6, size -= 6) {
		if (data[5] % 4 == 0 && depth) {
			close_element(t, nest[depth--]);
			continue;
		}
		open_element(t, data);
		if (data[5] % 4 == 1 && depth < NEST - 1) {
			nest[++depth] = name(data[0]);
			continue;
		}
		fuzz_add(t, fuzz_word(data[5] >> 2));
		close_element(t, name(data[0]));
	}
	do
		close_element(t, nest[depth]);
	while (depth--);
}

int fuzz_read(const char *text, size_t len, struct domain_config *cfg)
{
	xml_looks_like(text, len);
	return xml_read_config("fuzz", text, len, &host, &report, cfg);
}
