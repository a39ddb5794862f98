/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* The JSON that is kept with a domain, as any file may have it: see config.c. */
#include <string.h>

#include "dom0-tools/xl/json.h"
#include "tests/fuzz/xl/config.h"

#define NEST 16

static const char *const keys[] = {"arch_x86",
				   "avail_vcpus",
				   "b_info",
				   "backend",
				   "backend_domname",
				   "bootloader",
				   "bootloader_args",
				   "bridge",
				   "c_info",
				   "cap",
				   "claim_mode",
				   "cmdline",
				   "devid",
				   "direct_io_safe",
				   "disable_migrate",
				   "discard_enable",
				   "disks",
				   "driver_domain",
				   "e820_host",
				   "event_channels",
				   "format",
				   "gatewaydev",
				   "ifname",
				   "ip",
				   "is_cdrom",
				   "kernel",
				   "localtime",
				   "mac",
				   "max_grant_frames",
				   "max_grant_version",
				   "max_maptrack_frames",
				   "max_memkb",
				   "max_vcpus",
				   "model",
				   "msr_relaxed",
				   "mtu",
				   "name",
				   "nics",
				   "pdev_path",
				   "pool_name",
				   "ramdisk",
				   "rate_bytes_per_interval",
				   "rate_interval_usecs",
				   "readwrite",
				   "removable",
				   "rtc_timeoffset",
				   "sched_params",
				   "script",
				   "target_memkb",
				   "trusted",
				   "tsc_mode",
				   "uuid",
				   "vcpu_hard_affinity",
				   "vcpu_soft_affinity",
				   "vdev",
				   "weight",
				   "xend_suspend_evtchn_compat"};

/* A value by its first byte; what it opens goes on @nest. */
static void add_value(struct fuzz_text *t, uint8_t kind, uint8_t word, char *nest,
		      unsigned int *depth)
{
	static const char *const plain[] = {
		"0", "1", "-7", "70000", "1e9", "9223372036854775807", "true", "false", "null"};

	if (kind % 4 < 2 && *depth < NEST - 1) {
		fuzz_add(t, kind % 4 ? "[" : "{");
		nest[++*depth] = kind % 4 ? ']' : '}';
	} else if (kind & 4) {
		fuzz_quoted(t, fuzz_word(word));
	} else {
		fuzz_add(t, plain[word % (sizeof(plain) / sizeof(plain[0]))]);
	}
}

/* Three bytes a step: the key or, from 0xe0 on, an end; what kind of value; which. */
void fuzz_make(const uint8_t *data, size_t size, struct fuzz_text *t)
{
	char nest[NEST] = {'}', '}'};
	unsigned int depth = 1;
	bool b_info = false;

	/* Both have to be there: b_info follows where c_info ends. */
	fuzz_add(t, "{\"c_info\":{");
	while (depth || size >= 3) {
		if (size < 3 || (data[0] >= 0xe0 && depth)) {
			fuzz_add(t, (char[]){nest[depth--], 0});
		} else {
			if (!strchr("{[", t->s[t->len - 1]))
				fuzz_add(t, ",");
			if (nest[depth] == '}') {
				fuzz_quoted(t, keys[data[0] % (sizeof(keys) / sizeof(keys[0]))]);
				fuzz_add(t, ":");
			}
			add_value(t, data[1], data[2], nest, &depth);
		}
		if (!depth && !b_info) {
			fuzz_add(t, ",\"b_info\":{");
			depth = 1;
			b_info = true;
		}
		if (size >= 3) {
			data += 3;
			size -= 3;
		}
	}
	fuzz_add(t, "}");
}

int fuzz_read(const char *text, size_t len, struct domain_config *cfg)
{
	return json_read_config(text, cfg);
}
