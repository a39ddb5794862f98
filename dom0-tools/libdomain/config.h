/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The configuration model: everything that describes one domain before it
 * exists. Front-ends (xl.cfg, libvirt XML, the command line) fill it in, the
 * builder reads it. It holds decisions, not syntax: sizes are in KiB, CPU
 * lists are resolved bit maps, prefixes such as "phy:" are gone.
 *
 * Ownership: every string, array and bit map reached from a structure belongs
 * to it, is allocated by malloc() and freed by the structure's _fini(). NULL
 * strings and zero counts mean "not given". The setters below free what they
 * replace. Nothing here locks or talks to the hypervisor.
 *
 * Defaults: _init() writes the value that stands for "not given" (named beside
 * each field); domain_config_finish() turns those into the real values and
 * checks the whole for sense. The builder may rely on a finished config.
 */
#ifndef PAVISE_LIBDOMAIN_CONFIG_H
#define PAVISE_LIBDOMAIN_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Limits that are the interface's, not the machine's. */
#define DOMAIN_EVENT_CHANNELS_DEFAULT 1023U
#define DOMAIN_MAX_VCPUS              8192U
#define DOMAIN_MIN_MEMORY_KB          1024U
#define DOMAIN_MAX_MEMORY_KB          (UINT64_C(16) << 30) /* 16 TiB */
#define DOMAIN_NAME_MAX               255U
#define DOMAIN_SCHED_WEIGHT_MAX       65535U

/* ---- parts --------------------------------------------------------------- */

/* A set of host CPUs: bit i of bits[i / 8] is CPU i. nr = 0: not given. */
struct domain_cpumap {
	unsigned int nr; /* bits, a multiple of 8 */
	uint8_t *bits;
};

/* One map per vCPU; a vCPU beyond the end has no restriction. */
struct domain_affinity {
	unsigned int nr;
	struct domain_cpumap *maps;
};

enum domain_type {
	DOMAIN_TYPE_PV, /* the default */
	DOMAIN_TYPE_PVH, /* refused by the builder for now */
	DOMAIN_TYPE_HVM, /* likewise */
};

/* What follows a domain's end. Each has a default of its own, see below. */
enum domain_action {
	DOMAIN_ACTION_DESTROY,
	DOMAIN_ACTION_RESTART,
	DOMAIN_ACTION_RENAME_RESTART,
	DOMAIN_ACTION_PRESERVE,
	DOMAIN_ACTION_COREDUMP_DESTROY,
	DOMAIN_ACTION_COREDUMP_RESTART,
	DOMAIN_ACTION_SOFT_RESET,
};

enum domain_tsc_mode { /* numbers of the ABI (XEN_DOMCTL_settscinfo) */
		       DOMAIN_TSC_DEFAULT = 0,
		       DOMAIN_TSC_ALWAYS_EMULATE = 1,
		       DOMAIN_TSC_NATIVE = 2,
};

enum domain_disk_format {
	DOMAIN_DISK_RAW,
	DOMAIN_DISK_QCOW,
	DOMAIN_DISK_QCOW2,
	DOMAIN_DISK_VHD,
	DOMAIN_DISK_QED,
	DOMAIN_DISK_EMPTY, /* a CD drive without a medium */
};

enum domain_disk_backend {
	DOMAIN_DISK_BACKEND_AUTO, /* choose by what the target is */
	DOMAIN_DISK_BACKEND_PHY, /* kernel blkback on a block or loop device */
	DOMAIN_DISK_BACKEND_QDISK, /* user-space back-end */
};

struct domain_disk {
	char *target; /* path; relative ones have had /dev/ put in front */
	char *vdev; /* xvda, sda1, hdc, d0p1, 51712: never NULL once parsed */
	enum domain_disk_format format;
	enum domain_disk_backend backend;
	bool readwrite; /* default true; false for a CD */
	bool cdrom;
	bool removable; /* implied by cdrom */
	bool discard; /* default true: pass TRIM on */
	bool direct_io_safe;
	bool trusted; /* default true: what the front-end is told of us */
	char *script; /* a hotplug script's name; NULL: we set it up ourselves */
	char *backend_domain; /* name or number; NULL: domain 0 */
};

#define DOMAIN_VIF_DEVID_AUTO (-1)

struct domain_vif {
	int devid; /* DOMAIN_VIF_DEVID_AUTO: the lowest free one */
	bool has_mac; /* false: one is made up in 00:16:3e:xx:xx:xx */
	uint8_t mac[6];
	char *bridge; /* NULL: the host's default bridge, xenbr0 */
	char *ip; /* as given; advice for a hotplug script or a filter */
	char *vifname; /* NULL: vifDOMID.DEVID */
	char *script; /* NULL: we set it up ourselves */
	char *gatewaydev;
	char *model; /* kept for configurations made for HVM guests */
	char *backend_domain; /* name or number; NULL: domain 0 */
	uint64_t rate_bytes; /* credit per interval; 0: unlimited */
	uint32_t rate_usecs; /* that interval */
	unsigned int mtu; /* 0: the bridge's, else 1500 */
	bool trusted; /* default true */
};

/* ---- the domain ---------------------------------------------------------- */

struct domain_config {
	/* Identity */
	char *name; /* mandatory, at most DOMAIN_NAME_MAX bytes */
	bool has_uuid; /* false: finish makes one */
	uint8_t uuid[16];
	enum domain_type type;
	char *pool; /* CPU pool's name; NULL: Pool-0 */

	/* What is booted: a kernel, or a boot loader that finds one */
	char *kernel;
	char *ramdisk; /* NULL: none */
	char *cmdline; /* root= and extra= already joined; NULL: empty */
	char *bootloader; /* program; NULL: direct boot of @kernel */
	unsigned int nr_bootloader_args;
	char **bootloader_args;

	/* Memory, in KiB */
	uint64_t memory_kb; /* at start; 0: finish takes 32 MiB */
	uint64_t max_memory_kb; /* 0: finish takes memory_kb */

	/* CPUs */
	unsigned int vcpus; /* online at start; 0: finish takes 1 (or max) */
	unsigned int max_vcpus; /* 0: finish takes vcpus */
	struct domain_affinity hard_affinity; /* cpus=: may run on */
	struct domain_affinity soft_affinity; /* cpus_soft=: likes to run on */
	unsigned int cpu_weight; /* 1..65535; 0: the scheduler's default, 256 */
	int cap; /* percent of one CPU, 0: none; -1: the scheduler's default */

	/* What follows the end of the domain */
	enum domain_action on_poweroff; /* default destroy */
	enum domain_action on_reboot; /* default restart */
	enum domain_action on_watchdog; /* default destroy */
	enum domain_action on_crash; /* default destroy */
	enum domain_action on_soft_reset; /* default soft-reset (PV: destroy) */

	/* Limits the domain lives with */
	unsigned int event_channels; /* highest port; 0: finish takes the default */
	int max_grant_frames; /* -1: the hypervisor's default */
	int max_maptrack_frames; /* -1: the hypervisor's default */
	int max_grant_version; /* -1: the highest the hypervisor has; 1, 2 */

	/* Time */
	enum domain_tsc_mode tsc_mode;
	int rtc_timeoffset; /* seconds added to the host's wall clock */
	bool localtime; /* the guest's clock shows local time, not UTC */

	/* Odds and ends */
	bool nomigrate; /* lets the guest see an invariant TSC */
	bool driver_domain; /* may run back-ends for others */
	bool suspend_evtchn_compat; /* leave out device/suspend */
	bool e820_host; /* give the guest the host's memory map */
	bool msr_relaxed; /* unknown MSRs read as 0 instead of faulting */
	bool claim; /* reserve all memory first; default true */

	/* Devices */
	unsigned int nr_disks;
	struct domain_disk *disks;
	unsigned int nr_vifs;
	struct domain_vif *vifs;
};

/* ---- life cycle ---------------------------------------------------------- */

/* Everything "not given"; cannot fail. */
void domain_config_init(struct domain_config *cfg);

/* Frees what @cfg holds and leaves it as after _init(). NULL is allowed. */
void domain_config_fini(struct domain_config *cfg);

/*
 * A deep copy of @src into @dst, whose former content is overwritten, not
 * freed. -ENOMEM: @dst is as after _init().
 */
int domain_config_copy(struct domain_config *dst, const struct domain_config *src);

/*
 * Fills in the defaults that depend on other fields (uuid, memory, vcpus,
 * event_channels, vif numbers and MAC addresses) and checks the result.
 * -EINVAL: something is missing or contradictory, -ENOMEM; then *@ret_err (if
 * @ret_err isn't NULL) is a one-line reason that the caller frees (NULL when
 * there is no memory for one), and @cfg may be half filled in. Calling it
 * twice changes nothing more.
 */
int domain_config_finish(struct domain_config *cfg, char **ret_err);

/* The parts, with the same rules. */
void domain_disk_init(struct domain_disk *disk);
void domain_disk_fini(struct domain_disk *disk);
int domain_disk_copy(struct domain_disk *dst, const struct domain_disk *src);

void domain_vif_init(struct domain_vif *vif);
void domain_vif_fini(struct domain_vif *vif);
/*
 * Makes up a MAC address where there is none, and the usual interval for a
 * rate without one. domain_config_finish() does it for the interfaces of a
 * whole configuration.
 */
void domain_vif_finish(struct domain_vif *vif);
int domain_vif_copy(struct domain_vif *dst, const struct domain_vif *src);

void domain_affinity_fini(struct domain_affinity *aff);
int domain_affinity_copy(struct domain_affinity *dst, const struct domain_affinity *src);

/*
 * Append one element made by the part's _init(), and return it through
 * @ret_x for the caller to fill in; it is valid until the next addition.
 * -ENOMEM: nothing changed.
 */
int domain_config_add_disk(struct domain_config *cfg, struct domain_disk **ret_disk);
int domain_config_add_vif(struct domain_config *cfg, struct domain_vif **ret_vif);

/* ---- CPU maps ------------------------------------------------------------ */

/* An empty set with room for CPUs 0..@nr-1. -ENOMEM. */
int domain_cpumap_init(struct domain_cpumap *map, unsigned int nr);
void domain_cpumap_fini(struct domain_cpumap *map);
int domain_cpumap_copy(struct domain_cpumap *dst, const struct domain_cpumap *src);

/* CPUs outside the map: setting them is ignored, testing them says no. */
void domain_cpumap_set(struct domain_cpumap *map, unsigned int cpu, bool in);
bool domain_cpumap_test(const struct domain_cpumap *map, unsigned int cpu);
unsigned int domain_cpumap_count(const struct domain_cpumap *map);

/*
 * Makes every one of @nr_vcpus vCPUs have a copy of @map. -ENOMEM: @aff is
 * empty.
 */
int domain_affinity_set_all(struct domain_affinity *aff, const struct domain_cpumap *map,
			    unsigned int nr_vcpus);

/* ---- values and their names ---------------------------------------------- */

/* xl.cfg's spelling; "?" for a number outside the enumeration. */
const char *domain_type_name(enum domain_type type);
const char *domain_action_name(enum domain_action action);
const char *domain_tsc_mode_name(enum domain_tsc_mode mode);
const char *domain_disk_format_name(enum domain_disk_format format);
const char *domain_disk_backend_name(enum domain_disk_backend backend);

/* The other way round. -EINVAL: no such name. */
int domain_type_parse(const char *name, enum domain_type *ret_type);
int domain_action_parse(const char *name, enum domain_action *ret_action);
int domain_tsc_mode_parse(const char *name, enum domain_tsc_mode *ret_mode);
int domain_disk_format_parse(const char *name, enum domain_disk_format *ret_format);
int domain_disk_backend_parse(const char *name, enum domain_disk_backend *ret_backend);

/* ---- helpers ------------------------------------------------------------- */

/* Replaces *@field with a copy of @value (NULL: clears it). -ENOMEM. */
int domain_config_set_string(char **field, const char *value);

/* "xx:xx:xx:xx:xx:xx", hexadecimal, either case. -EINVAL: not of that form. */
int domain_mac_parse(const char *text, uint8_t ret_mac[6]);

#endif
