/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* xl.cfg, as any file may have it: see config.c. */
#include "tests/fuzz/xl/config.h"

static const char *const keys[] = {"name",
				   "type",
				   "builder",
				   "uuid",
				   "pool",
				   "kernel",
				   "ramdisk",
				   "cmdline",
				   "root",
				   "extra",
				   "bootloader",
				   "bootloader_args",
				   "memory",
				   "maxmem",
				   "vcpus",
				   "maxvcpus",
				   "cpus",
				   "cpus_soft",
				   "cpu_weight",
				   "cap",
				   "on_poweroff",
				   "on_reboot",
				   "on_watchdog",
				   "on_crash",
				   "on_soft_reset",
				   "max_event_channels",
				   "max_grant_frames",
				   "max_maptrack_frames",
				   "max_grant_version",
				   "tsc_mode",
				   "rtc_timeoffset",
				   "localtime",
				   "nomigrate",
				   "driver_domain",
				   "xend_suspend_evtchn_compat",
				   "e820_host",
				   "msr_relaxed",
				   "claim_mode",
				   "passthrough",
				   "disk",
				   "vif"};

/* Settings of three bytes: key, kind of value, value; lists go on with as many as they like. */
void fuzz_make(const uint8_t *data, size_t size, struct fuzz_text *t)
{
	for (; size >= 3; data += 3, size -= 3) {
		fuzz_add(t, keys[data[0] % (sizeof(keys) / sizeof(keys[0]))]);
		fuzz_add(t, data[1] & 0x80 ? " += " : " = ");
		if (data[1] & 0x40) {
			fuzz_add(t, "[ ");
			for (; size >= 5 && data[1] & 0x20; data += 2, size -= 2) {
				fuzz_quoted(t, fuzz_word(data[2]));
				fuzz_add(t, ", ");
			}
			fuzz_quoted(t, fuzz_word(data[2]));
			fuzz_add(t, " ]");
		} else if (data[1] & 0x10) {
			fuzz_add(t, "7");
		} else {
			fuzz_quoted(t, fuzz_word(data[2]));
		}
		fuzz_add(t, "\n");
	}
}

int fuzz_read(const char *text, size_t len, struct domain_config *cfg)
{
	struct cfg_file *file;
	int ret;

	if (cfg_parse("fuzz", text, len, &report, &file))
		return -1;
	ret = cfg_apply_files(&file, 1, &host, &report, cfg);
	cfg_free(file);
	return ret;
}
