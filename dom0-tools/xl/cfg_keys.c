/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The table of xl.cfg's keys, and the functions of those that are more than a
 * number or a string. docs/man/xl.cfg.5 describes each; a test compares them.
 */
#include "dom0-tools/xl/cfg_apply.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uuid/uuid.h>

#include "dom0-tools/xl/spec.h"

static int apply_type(struct cfg_apply *run, const struct cfg_value *value)
{
	const char *text = NULL;
	int ret;

	ret = cfg_value_text(run, value, &text);
	if (ret)
		return ret;
	/* builder= is the old name, and "generic" its old word for PV. */
	if (!strcmp(run->key, "builder") && (!strcmp(text, "generic") || !strcmp(text, "linux")))
		text = "pv";
	if (domain_type_parse(text, &run->cfg->type))
		return cfg_refuse(run, value, "unknown domain type \"%s\"", text);
	if (run->cfg->type != DOMAIN_TYPE_PV)
		return cfg_refuse(run, value,
				  "type \"%s\" is not supported: this hypervisor runs PV domains "
				  "only",
				  text);
	return 0;
}

static int apply_uuid(struct cfg_apply *run, const struct cfg_value *value)
{
	const char *text = NULL;
	int ret;

	ret = cfg_value_text(run, value, &text);
	if (ret)
		return ret;
	if (uuid_parse(text, run->cfg->uuid))
		return cfg_refuse(run, value, "\"%s\" is not a UUID", text);
	run->cfg->has_uuid = true;
	return 0;
}

static int keep_text(struct cfg_apply *run, const struct cfg_value *value, char **field)
{
	const char *text = NULL;
	int ret;

	ret = cfg_value_text(run, value, &text);
	return ret ? ret : domain_config_set_string(field, text);
}

static int apply_cmdline(struct cfg_apply *run, const struct cfg_value *value)
{
	return keep_text(run, value, &run->cmdline);
}

static int apply_root(struct cfg_apply *run, const struct cfg_value *value)
{
	return keep_text(run, value, &run->root);
}

static int apply_extra(struct cfg_apply *run, const struct cfg_value *value)
{
	return keep_text(run, value, &run->extra);
}

/* CPU lists wait for vcpus= and maxvcpus=; the value outlives this. */
static int apply_cpus(struct cfg_apply *run, const struct cfg_value *value)
{
	run->cpus = *value;
	run->cpus_file = run->file;
	return 0;
}

static int apply_cpus_soft(struct cfg_apply *run, const struct cfg_value *value)
{
	run->cpus_soft = *value;
	run->cpus_soft_file = run->file;
	return 0;
}

static int apply_tsc_mode(struct cfg_apply *run, const struct cfg_value *value)
{
	const char *text = NULL;
	int ret;

	ret = cfg_value_text(run, value, &text);
	if (ret)
		return ret;
	if (!strcmp(text, "0") || !strcmp(text, "1") || !strcmp(text, "2")) {
		run->cfg->tsc_mode = (enum domain_tsc_mode)(text[0] - '0');
		return 0;
	}
	if (!domain_tsc_mode_parse(text, &run->cfg->tsc_mode))
		return 0;
	return cfg_refuse(run, value,
			  "unknown tsc_mode \"%s\" (there are default, always_emulate and native)",
			  text);
}

static int apply_bootloader_args(struct cfg_apply *run, const struct cfg_value *value)
{
	struct domain_config *cfg = run->cfg;
	const struct cfg_value *items = value->kind == CFG_LIST ? value->items : value;
	size_t nr = value->kind == CFG_LIST ? value->nr_items : 1;
	const char *text = NULL;
	int ret = 0;

	cfg->bootloader_args = calloc(nr + 1, sizeof(*cfg->bootloader_args));
	if (!cfg->bootloader_args)
		return -ENOMEM;
	for (size_t i = 0; i < nr && !ret; i++) {
		ret = cfg_value_text(run, &items[i], &text);
		if (!ret)
			ret = domain_config_set_string(&cfg->bootloader_args[i], text);
		cfg->nr_bootloader_args = (unsigned int)i + !ret;
	}
	return ret;
}

/* Each element of a device list, all of them so that all errors show. */
static int each_spec(struct cfg_apply *run, const struct cfg_value *value,
		     int (*one)(struct cfg_apply *run, const char *spec, struct spec_error *err))
{
	struct spec_error err;
	int ret = 0, this;

	if (value->kind != CFG_LIST)
		return cfg_refuse(run, value, "%s is a list: %s = [ \"%s\" ]", run->key, run->key,
				  value->text);
	for (size_t i = 0; i < value->nr_items; i++) {
		const struct cfg_value *item = &value->items[i];

		if (item->kind == CFG_LIST) {
			ret = cfg_refuse(run, item, "%s holds a list inside a list", run->key);
			continue;
		}
		this = one(run, item->text, &err);
		if (this == -ENOMEM)
			return this;
		if (this)
			ret = cfg_refuse(run, item, "%s", err.text);
	}
	return ret;
}

static int add_disk(struct cfg_apply *run, const char *spec, struct spec_error *err)
{
	struct domain_disk *disk;
	int ret;

	ret = domain_config_add_disk(run->cfg, &disk);
	return ret ? ret : spec_parse_disk(spec, disk, err);
}

static int apply_disk(struct cfg_apply *run, const struct cfg_value *value)
{
	return each_spec(run, value, add_disk);
}

static int add_vif(struct cfg_apply *run, const char *spec, struct spec_error *err)
{
	struct domain_vif *vif;
	int ret;

	ret = domain_config_add_vif(run->cfg, &vif);
	return ret ? ret : spec_parse_vif(spec, vif, err);
}

static int apply_vif(struct cfg_apply *run, const struct cfg_value *value)
{
	return each_spec(run, value, add_vif);
}

static int apply_passthrough(struct cfg_apply *run, const struct cfg_value *value)
{
	const char *text = NULL;
	int ret;

	ret = cfg_value_text(run, value, &text);
	if (ret || !strcmp(text, "disabled") || !strcmp(text, "default"))
		return ret;
	return cfg_refuse(run, value, "passthrough \"%s\" is not supported (there is disabled)",
			  text);
}

#define AT(field) .offset = offsetof(struct domain_config, field)

#define HVM_ONLY   "it means something to HVM and PVH domains only"
#define ARM_ONLY   "it means something on Arm only"
#define NO_QEMU    "there is no device model"
#define NO_BACKEND "there is no back-end for such devices"
#define NO_PASS    "devices can't be passed through"
#define NO_CPUID   "a domain's CPUID can't be changed"
#define NO_XSM     "there are no security labels"
#define NO_SHIM    "there is no PV shim, PV domains run directly"

#define IGNORED(key, why)                                             \
	{                                                             \
		.name = key, .kind = CFG_KEY_IGNORED, .reason = (why) \
	}

/* clang-format off */
const struct cfg_key cfg_keys[] = {
	{ "name", CFG_KEY_STRING, AT(name) },
	{ "type", CFG_KEY_OTHER, .apply = apply_type },
	{ "builder", CFG_KEY_OTHER, .apply = apply_type },
	{ "uuid", CFG_KEY_OTHER, .apply = apply_uuid },
	{ "pool", CFG_KEY_STRING, AT(pool) },
	{ "kernel", CFG_KEY_STRING, AT(kernel) },
	{ "ramdisk", CFG_KEY_STRING, AT(ramdisk) },
	{ "cmdline", CFG_KEY_OTHER, .apply = apply_cmdline },
	{ "root", CFG_KEY_OTHER, .apply = apply_root },
	{ "extra", CFG_KEY_OTHER, .apply = apply_extra },
	{ "bootloader", CFG_KEY_STRING, AT(bootloader) },
	{ "bootloader_args", CFG_KEY_OTHER, .apply = apply_bootloader_args },
	{ "memory", CFG_KEY_MIB, AT(memory_kb) },
	{ "maxmem", CFG_KEY_MIB, AT(max_memory_kb) },
	{ "vcpus", CFG_KEY_UINT, AT(vcpus), .min = 1, .max = DOMAIN_MAX_VCPUS },
	{ "maxvcpus", CFG_KEY_UINT, AT(max_vcpus), .min = 1, .max = DOMAIN_MAX_VCPUS },
	{ "cpus", CFG_KEY_OTHER, .apply = apply_cpus },
	{ "cpus_soft", CFG_KEY_OTHER, .apply = apply_cpus_soft },
	{ "cpu_weight", CFG_KEY_UINT, AT(cpu_weight), .min = 1, .max = DOMAIN_SCHED_WEIGHT_MAX },
	{ "cap", CFG_KEY_INT, AT(cap), .min = 0, .max = 100 * DOMAIN_MAX_VCPUS },
	{ "on_poweroff", CFG_KEY_ACTION, AT(on_poweroff) },
	{ "on_reboot", CFG_KEY_ACTION, AT(on_reboot) },
	{ "on_watchdog", CFG_KEY_ACTION, AT(on_watchdog) },
	{ "on_crash", CFG_KEY_ACTION, AT(on_crash) },
	{ "on_soft_reset", CFG_KEY_ACTION, AT(on_soft_reset) },
	{ "max_event_channels", CFG_KEY_UINT, AT(event_channels), .min = 1, .max = 131071 },
	{ "max_grant_frames", CFG_KEY_INT, AT(max_grant_frames), .min = 0, .max = INT_MAX },
	{ "max_maptrack_frames", CFG_KEY_INT, AT(max_maptrack_frames), .min = 0, .max = INT_MAX },
	{ "max_grant_version", CFG_KEY_INT, AT(max_grant_version), .min = 1, .max = 2 },
	{ "tsc_mode", CFG_KEY_OTHER, .apply = apply_tsc_mode },
	{ "rtc_timeoffset", CFG_KEY_INT, AT(rtc_timeoffset), .min = INT_MIN, .max = INT_MAX },
	{ "localtime", CFG_KEY_BOOL, AT(localtime) },
	{ "nomigrate", CFG_KEY_BOOL, AT(nomigrate) },
	{ "driver_domain", CFG_KEY_BOOL, AT(driver_domain) },
	{ "xend_suspend_evtchn_compat", CFG_KEY_BOOL, AT(suspend_evtchn_compat) },
	{ "e820_host", CFG_KEY_BOOL, AT(e820_host) },
	{ "msr_relaxed", CFG_KEY_BOOL, AT(msr_relaxed) },
	{ "claim_mode", CFG_KEY_BOOL, AT(claim) },
	{ "passthrough", CFG_KEY_OTHER, .apply = apply_passthrough },
	{ "disk", CFG_KEY_OTHER, .apply = apply_disk },
	{ "vif", CFG_KEY_OTHER, .apply = apply_vif },

	IGNORED("firmware", "give the loader itself as kernel=, for instance grub-x86_64-xen.bin"),
	IGNORED("cpuid", NO_CPUID),
	IGNORED("seclabel", NO_XSM),
	IGNORED("init_seclabel", NO_XSM),
	IGNORED("vmtrace_buf_kb", "there is no processor trace"),
	IGNORED("vpmu", ARM_ONLY),
	IGNORED("device_tree", ARM_ONLY),
	IGNORED("gic_version", ARM_ONLY),
	IGNORED("tee", ARM_ONLY),
	IGNORED("vuart", ARM_ONLY),

	IGNORED("p9", NO_BACKEND),
	IGNORED("pvcalls", NO_BACKEND),
	IGNORED("vfb", NO_BACKEND),
	IGNORED("vkb", NO_BACKEND),
	IGNORED("vtpm", NO_BACKEND),
	IGNORED("vdispl", NO_BACKEND),
	IGNORED("vsnd", NO_BACKEND),
	IGNORED("channel", NO_BACKEND),
	IGNORED("usbctrl", NO_BACKEND),
	IGNORED("usbdev", NO_BACKEND),

	IGNORED("pci", NO_PASS),
	IGNORED("pci_permissive", NO_PASS),
	IGNORED("pci_msitranslate", NO_PASS),
	IGNORED("pci_seize", NO_PASS),
	IGNORED("pci_power_mgmt", NO_PASS),
	IGNORED("gfx_passthru", NO_PASS),
	IGNORED("rdm", NO_PASS),
	IGNORED("rdm_mem_boundary", NO_PASS),
	IGNORED("dtdev", NO_PASS),
	IGNORED("ioports", NO_PASS),
	IGNORED("irqs", NO_PASS),
	IGNORED("iomem", NO_PASS),

	IGNORED("pvshim", NO_SHIM),
	IGNORED("pvshim_path", NO_SHIM),
	IGNORED("pvshim_cmdline", NO_SHIM),
	IGNORED("pvshim_extra", NO_SHIM),

	IGNORED("vnuma", HVM_ONLY),
	IGNORED("acpi", HVM_ONLY),
	IGNORED("acpi_firmware", HVM_ONLY),
	IGNORED("acpi_laptop_slate", HVM_ONLY),
	IGNORED("acpi_s3", HVM_ONLY),
	IGNORED("acpi_s4", HVM_ONLY),
	IGNORED("altp2m", HVM_ONLY),
	IGNORED("altp2mhvm", HVM_ONLY),
	IGNORED("apic", HVM_ONLY),
	IGNORED("bios", HVM_ONLY),
	IGNORED("bios_path_override", HVM_ONLY),
	IGNORED("boot", HVM_ONLY),
	IGNORED("hap", HVM_ONLY),
	IGNORED("hdtype", HVM_ONLY),
	IGNORED("hpet", HVM_ONLY),
	IGNORED("mca_caps", HVM_ONLY),
	IGNORED("mmio_hole", HVM_ONLY),
	IGNORED("ms_vm_genid", HVM_ONLY),
	IGNORED("nestedhvm", HVM_ONLY),
	IGNORED("nx", HVM_ONLY),
	IGNORED("oos", HVM_ONLY),
	IGNORED("pae", HVM_ONLY),
	IGNORED("shadow_memory", HVM_ONLY),
	IGNORED("smbios_firmware", HVM_ONLY),
	IGNORED("timer_mode", HVM_ONLY),
	IGNORED("vendor_device", HVM_ONLY),
	IGNORED("viridian", HVM_ONLY),
	IGNORED("vpt_align", HVM_ONLY),
	IGNORED("xen_platform_pci", HVM_ONLY),

	IGNORED("device_model_args", NO_QEMU),
	IGNORED("device_model_args_hvm", NO_QEMU),
	IGNORED("device_model_args_pv", NO_QEMU),
	IGNORED("device_model_override", NO_QEMU),
	IGNORED("device_model_stubdomain_override", NO_QEMU),
	IGNORED("device_model_stubdomain_seclabel", NO_QEMU),
	IGNORED("device_model_user", NO_QEMU),
	IGNORED("device_model_version", NO_QEMU),
	IGNORED("dm_restrict", NO_QEMU),
	IGNORED("keymap", NO_QEMU),
	IGNORED("nographic", NO_QEMU),
	IGNORED("opengl", NO_QEMU),
	IGNORED("sdl", NO_QEMU),
	IGNORED("serial", NO_QEMU),
	IGNORED("soundhw", NO_QEMU),
	IGNORED("spice", NO_QEMU),
	IGNORED("spice_clipboard_sharing", NO_QEMU),
	IGNORED("spice_image_compression", NO_QEMU),
	IGNORED("spice_streaming_video", NO_QEMU),
	IGNORED("spiceagent_mouse", NO_QEMU),
	IGNORED("spicedisable_ticketing", NO_QEMU),
	IGNORED("spicehost", NO_QEMU),
	IGNORED("spicepasswd", NO_QEMU),
	IGNORED("spiceport", NO_QEMU),
	IGNORED("spicetls_port", NO_QEMU),
	IGNORED("spiceusbredirection", NO_QEMU),
	IGNORED("spicevdagent", NO_QEMU),
	IGNORED("stdvga", NO_QEMU),
	IGNORED("stubdomain_cmdline", NO_QEMU),
	IGNORED("stubdomain_kernel", NO_QEMU),
	IGNORED("stubdomain_memory", NO_QEMU),
	IGNORED("stubdomain_ramdisk", NO_QEMU),
	IGNORED("usb", NO_QEMU),
	IGNORED("usbdevice", NO_QEMU),
	IGNORED("usbversion", NO_QEMU),
	IGNORED("vga", NO_QEMU),
	IGNORED("videoram", NO_QEMU),
	IGNORED("vkb_device", NO_QEMU),
	IGNORED("vnc", NO_QEMU),
	IGNORED("vncdisplay", NO_QEMU),
	IGNORED("vnclisten", NO_QEMU),
	IGNORED("vncpasswd", NO_QEMU),
	IGNORED("vncunused", NO_QEMU),
};
/* clang-format on */

const size_t cfg_nr_keys = sizeof(cfg_keys) / sizeof(cfg_keys[0]);
