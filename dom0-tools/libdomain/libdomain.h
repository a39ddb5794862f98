/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * libdomain: domains from the control domain's side.
 *
 * Everything that it takes to build a paravirtualized domain, run it, change
 * it and end it: the hypervisor through libhv, the store through xsclient, and
 * the kernel's own back-ends. `xl` is a thin command line over this library.
 *
 * Conventions for every function unless its comment says otherwise:
 *  - actions return 0 (or a value >= 0) on success and a negative errno on
 *    failure. After a failure dom_errmsg() is one line, without a newline, that
 *    names the cause and where there is one the next step; a caller prints it
 *    and nothing else. Nothing is left half done;
 *  - -ESRCH: there is no domain with that id or name (or it is dying);
 *    -EACCES: not root, or hypervisor and tools don't fit each other;
 *  - outputs are untouched on failure; what a function allocates is freed by
 *    the function that its comment names, else by free();
 *  - a context isn't locked: one thread at a time; and it is of no use in the
 *    child after fork() except to dom_close(): open another one there;
 *  - memory is in KiB, times are in nanoseconds unless the name says otherwise;
 *  - functions that wait do so on the store's watches, never by polling, and
 *    give up after their limit with -ETIMEDOUT. A signal that the program
 *    handles ends a wait with -EINTR.
 */
#ifndef PAVISE_LIBDOMAIN_H
#define PAVISE_LIBDOMAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hv_handle;
struct xsc;
struct domain_config; /* config.h */
struct domain_disk; /* config.h */
struct domain_vif; /* config.h */
struct domain_cpumap; /* config.h */

/* ---- context, errors, progress ------------------------------------------- */

struct dom_ctx;

enum dom_level { DOM_LOG_ERROR, DOM_LOG_WARN, DOM_LOG_INFO, DOM_LOG_DEBUG };

/*
 * What long work tells its caller. Both may be NULL.
 * @log: one line at a time, without a newline. Failures of a function come
 * through dom_errmsg(), not here; here come warnings (a leftover that could not
 * be removed, say) and what happens step by step.
 * @progress: the phase ("loading kernel", "allocating memory" ...), how much of
 * it is done and of how much; total 0: unknown. Called at the start of a phase,
 * at most a few hundred times while it lasts, and with done == total at its end.
 */
struct dom_hooks {
	void (*log)(void *arg, enum dom_level level, const char *line);
	void (*progress)(void *arg, const char *phase, uint64_t done, uint64_t total);
	void *arg;
};

#define DOM_OPEN_NO_STORE 1u /* do without the store where nothing needs it */

/*
 * Opens the hypervisor and (unless told not to) the store. @hooks may be NULL
 * and is copied. On failure *ret_ctx is a context all the same, good for
 * dom_errmsg() and dom_close() only (NULL if there's no memory).
 */
int dom_open(unsigned int flags, const struct dom_hooks *hooks, struct dom_ctx **ret_ctx);
void dom_close(struct dom_ctx *ctx); /* takes NULL */

/* The handles inside, for what this library has no function for. */
struct hv_handle *dom_hv(struct dom_ctx *ctx);
struct xsc *dom_xs(struct dom_ctx *ctx); /* NULL with DOM_OPEN_NO_STORE */

/* Why the last call failed: never NULL, valid until the next call. */
const char *dom_errmsg(const struct dom_ctx *ctx);

/* ---- looking at domains -------------------------------------------------- */

/* The numbers of SHUTDOWN_*: poweroff, reboot, suspend, crash, watchdog, soft reset. */
enum dom_shutdown {
	DOM_SHUTDOWN_POWEROFF = 0,
	DOM_SHUTDOWN_REBOOT = 1,
	DOM_SHUTDOWN_SUSPEND = 2,
	DOM_SHUTDOWN_CRASH = 3,
	DOM_SHUTDOWN_WATCHDOG = 4,
	DOM_SHUTDOWN_SOFT_RESET = 5,
};

struct dom_info {
	uint32_t domid;
	uint8_t uuid[16];
	bool running, blocked, paused, shutdown, dying, hvm;
	unsigned int shutdown_reason; /* enum dom_shutdown, if shutdown */
	uint64_t current_kb; /* memory it has now */
	uint64_t outstanding_kb; /* claimed for it and not yet allocated */
	uint64_t shared_kb;
	uint64_t paged_kb;
	uint64_t max_kb; /* limit; UINT64_MAX: none */
	uint64_t cpu_time; /* ns, all vCPUs */
	unsigned int vcpus_online;
	unsigned int vcpus_max; /* highest vCPU id + 1 */
	uint32_t cpupool;
	uint32_t ssidref;
};

/* Dying domains count: -ESRCH only if the id isn't in use at all. */
int dom_info(struct dom_ctx *ctx, uint32_t domid, struct dom_info *ret_info);

/* All domains, the control domain and dying ones included, by increasing id. */
int dom_list(struct dom_ctx *ctx, struct dom_info **ret_infos, size_t *ret_nr);

/* "Domain-0", "demo". -ENOENT: the domain has no name. */
int dom_name(struct dom_ctx *ctx, uint32_t domid, char **ret_name);

/* What a user calls a domain: a decimal id of a domain that exists, or a name. */
int dom_find(struct dom_ctx *ctx, const char *name_or_id, uint32_t *ret_domid);

/* By name only. */
int dom_find_name(struct dom_ctx *ctx, const char *name, uint32_t *ret_domid);

/*
 * -EEXIST: another domain has that name. -EINVAL: empty, longer than
 * DOM_NAME_MAX, only digits, or with white space, a slash or a control
 * character.
 */
#define DOM_NAME_MAX 255
int dom_rename(struct dom_ctx *ctx, uint32_t domid, const char *new_name);

/* "0f3a...-...": 36 characters and a NUL. */
#define DOM_UUID_STRLEN 37
void dom_uuid_format(const uint8_t uuid[16], char buf[DOM_UUID_STRLEN]);

/* Seconds since the domain was created; of the control domain: since its boot. */
int dom_uptime(struct dom_ctx *ctx, uint32_t domid, uint64_t *ret_seconds);

/* The pty of the domain's console, waiting up to @timeout_ms for the console daemon. */
int dom_console_tty(struct dom_ctx *ctx, uint32_t domid, int timeout_ms, char **ret_tty);

/* ---- creating and ending ------------------------------------------------- */

/*
 * Builds the domain that @cfg describes, with its devices connected as far as
 * they can be without it, and leaves it paused: dom_unpause() starts it.
 * Fills in a UUID where @cfg has none, and MAC addresses of interfaces that
 * have none, so that @cfg afterwards describes the domain that exists.
 * -EEXIST: the name (or UUID) is taken. -ENOMEM: too little free memory (the
 * message says how much there is). -ENOEXEC: the kernel isn't one that can run
 * here. On failure the domain is destroyed, its nodes are removed and its
 * devices released.
 */
int dom_create(struct dom_ctx *ctx, struct domain_config *cfg, uint32_t *ret_domid);

/*
 * The same in two steps: the first loads and checks all that can be checked
 * while nothing exists (files, kernel format, name, devices), the second takes
 * memory and creates. In between is the time to make room for dom_mem_need().
 * @cfg must outlive what was prepared.
 */
struct dom_prepared;
int dom_prepare(struct dom_ctx *ctx, struct domain_config *cfg, struct dom_prepared **ret_prepared);
int dom_create_prepared(struct dom_ctx *ctx, struct dom_prepared *prepared, uint32_t *ret_domid);
void dom_prepared_free(struct dom_prepared *prepared); /* takes NULL */

/* Only the first step's checks, as for a dry run. */
int dom_create_check(struct dom_ctx *ctx, const struct domain_config *cfg);

/*
 * Pauses the domain, closes its devices (forcibly where the back-end doesn't
 * follow in time), removes its nodes and user data, and destroys it. All steps
 * are tried even if one fails; the first failure is reported. Where something
 * (a page that another domain has mapped) keeps the domain as a dying one for
 * longer than a moment, that is logged as a warning and no failure.
 * -EPERM: the control domain.
 */
int dom_destroy(struct dom_ctx *ctx, uint32_t domid);

/* Pauses are counted; -EINVAL: it isn't paused. */
int dom_pause(struct dom_ctx *ctx, uint32_t domid);
int dom_unpause(struct dom_ctx *ctx, uint32_t domid);

/*
 * Ask the guest, through control/shutdown. Returns when the guest has taken the
 * request, not when it is down; a guest that is booting takes it when it can.
 * -EAGAIN: it is paused. -EOPNOTSUPP: the guest has said that it doesn't listen
 * ("PV control interface not available"). -ETIMEDOUT: it hasn't taken the
 * request within a minute; the request is withdrawn.
 */
int dom_request_shutdown(struct dom_ctx *ctx, uint32_t domid);
int dom_request_reboot(struct dom_ctx *ctx, uint32_t domid);

/*
 * Several domains at once: waits until each of @domids[0..nr) is shut down or
 * gone, or, with @death, gone. @on_each (may be NULL) is called as each one
 * gets there; @gone tells whether it no longer exists, else @info is filled in.
 */
int dom_wait(struct dom_ctx *ctx, const uint32_t *domids, size_t nr, bool death, int timeout_ms,
	     void (*on_each)(void *arg, uint32_t domid, bool gone, const struct dom_info *info),
	     void *arg);

/* One magic-SysRq key to a Linux guest. */
int dom_sysrq(struct dom_ctx *ctx, uint32_t domid, char key);

/* ---- the life of a domain after its creation ----------------------------- */

/* How dom_mind() ended. */
enum dom_mind_end {
	DOM_MIND_GONE, /* the domain doesn't exist any more */
	DOM_MIND_PRESERVED, /* it is down and stays listed, as configured */
};

struct dom_mind_ops {
	/*
	 * Before a restart: replaces *cfg (freeing the old one) where the
	 * domain's stored configuration has changed. May be NULL.
	 */
	int (*reload)(void *arg, uint32_t domid, struct domain_config **cfg);
	/* After a restart, before the new domain is started. May be NULL. */
	void (*restarted)(void *arg, uint32_t old_domid, uint32_t new_domid);
	void *arg;
};

/*
 * Stays with a domain that dom_create() made: waits for its shutdown or death
 * and does what its configuration says (on_poweroff, on_reboot, on_crash,
 * on_watchdog, on_soft_reset): destroy, restart, rename and restart, preserve,
 * dump core and destroy or restart. A restart goes on with the new domain.
 * Waits at least a second between two restarts so that a guest that dies at
 * once does not take the machine with it. Returns an enum dom_mind_end or an
 * error. Each thing done is told through the log hook.
 */
int dom_mind(struct dom_ctx *ctx, uint32_t *domid, struct domain_config **cfg,
	     const struct dom_mind_ops *ops);

/*
 * Writes the domain's memory and registers as an ELF core file ("xen dump
 * core" format: .note.Xen, .xen_prstatus, .xen_p2m, .xen_pages). The domain
 * should be paused or down. DOM_DUMP_DIR is made if the file is to be there.
 */
#define DOM_TOOLS_DIR "/var/lib/xen"
#define DOM_DUMP_DIR  DOM_TOOLS_DIR "/dump" /* where cores go that nobody named */
int dom_dump_core(struct dom_ctx *ctx, uint32_t domid, const char *path);

/* ---- vCPUs --------------------------------------------------------------- */

/*
 * A set of CPUs as this library reports it: bit c of byte c / 8. @nr is the
 * number of bits that mean something, a multiple of 8; {map.nr, map.bits} is
 * the same set as a struct domain_cpumap.
 */
#define DOM_CPUS_MAX 1024
struct dom_cpumap {
	unsigned int nr;
	uint8_t bits[DOM_CPUS_MAX / 8];
};

struct dom_vcpu {
	unsigned int id;
	bool online, blocked, running;
	unsigned int cpu; /* where it is or was last */
	uint64_t cpu_time; /* ns */
	struct dom_cpumap hard, soft;
};

/* One entry for each vCPU up to the highest id. */
int dom_vcpu_list(struct dom_ctx *ctx, uint32_t domid, struct dom_vcpu **ret_vcpus, size_t *ret_nr);

#define DOM_VCPU_ALL UINT32_MAX

/*
 * Sets the hard and/or soft affinity (NULL: leave) of one vCPU or of all.
 * @force overrides a temporary pinning by the guest. *ret_narrowed (may be
 * NULL) is set if not all of the hard map's CPUs exist, or none of the soft
 * map's is among those that the vCPU may run on. -EINVAL: none exists.
 */
int dom_vcpu_pin(struct dom_ctx *ctx, uint32_t domid, uint32_t vcpu,
		 const struct domain_cpumap *hard, const struct domain_cpumap *soft, bool force,
		 bool *ret_narrowed);

/*
 * Asks the guest to run with vCPUs 0 .. @count-1. -EINVAL: none, or more than
 * it was created with. The guest follows in its own time.
 */
int dom_vcpu_set(struct dom_ctx *ctx, uint32_t domid, unsigned int count);

/* ---- memory -------------------------------------------------------------- */

/*
 * Gives the domain a new target, which its balloon driver follows. Raises and
 * lowers the hypervisor's limit with it. -EINVAL: above the domain's static
 * maximum, or below what a kernel can live in (DOM_MEM_MIN_KB; for the control
 * domain DOM0_MEM_MIN_KB).
 */
#define DOM_MEM_MIN_KB  4096u
#define DOM0_MEM_MIN_KB 131072u
int dom_mem_set(struct dom_ctx *ctx, uint32_t domid, uint64_t target_kb);

/* The limit and the static maximum. -EINVAL: below the present target. */
int dom_mem_max(struct dom_ctx *ctx, uint32_t domid, uint64_t max_kb);

/* What the tools asked for last (memory/target). */
int dom_mem_target(struct dom_ctx *ctx, uint32_t domid, uint64_t *ret_kb);

/* The highest target that it may be given (memory/static-max). */
int dom_mem_static_max(struct dom_ctx *ctx, uint32_t domid, uint64_t *ret_kb);

/* What @cfg takes in all: memory and what the hypervisor needs besides. */
int dom_mem_need(struct dom_ctx *ctx, const struct domain_config *cfg, uint64_t *ret_kb);

/* ---- scheduler ----------------------------------------------------------- */

/* The credit scheduler: weight 1..65535, cap in percent of one CPU, 0: none. */
struct dom_sched_credit {
	unsigned int weight;
	unsigned int cap;
};

/* -EOPNOTSUPP: the hypervisor runs another scheduler. */
int dom_sched_credit_get(struct dom_ctx *ctx, uint32_t domid, struct dom_sched_credit *ret_params);
/* -EINVAL: out of range (cap: at most 100 per vCPU). */
int dom_sched_credit_set(struct dom_ctx *ctx, uint32_t domid,
			 const struct dom_sched_credit *params);

/* "credit", "credit2", "rtds", "null", "arinc653" or "unknown". */
int dom_sched_name(struct dom_ctx *ctx, const char **ret_name);

/* ---- the machine --------------------------------------------------------- */

struct dom_physinfo {
	unsigned int threads_per_core, cores_per_socket, nr_cpus, max_cpu_id, nr_nodes;
	uint32_t cpu_khz;
	uint32_t capabilities; /* XEN_SYSCTL_PHYSCAP_* */
	uint64_t total_pages, free_pages, scrub_pages, outstanding_pages;
	uint64_t sharing_freed_pages, sharing_used_pages;
	uint64_t max_possible_mfn;
	uint32_t hw_cap[8];
};

int dom_physinfo(struct dom_ctx *ctx, struct dom_physinfo *ret_info);

/* What the hypervisor says of itself. */
struct dom_version {
	unsigned int major, minor;
	char extra[16];
	char compiler[64], compile_by[16], compile_domain[32], compile_date[32];
	char capabilities[1024], changeset[64], commandline[1024];
	uint64_t virt_start;
	unsigned int pagesize;
	char build_id[129]; /* hexadecimal; "" if there's none */
};

int dom_version(struct dom_ctx *ctx, struct dom_version *ret_version);

/* CPUs that belong to no pool. */
int dom_free_cpus(struct dom_ctx *ctx, struct dom_cpumap *ret_map);

/* One CPU's place; ~0: unknown. */
struct dom_cputopo {
	uint32_t core, socket, node;
};
int dom_cputopo(struct dom_ctx *ctx, struct dom_cputopo **ret_cpus, size_t *ret_nr);

/* One memory node. @distances: from this one to each, nr entries; ~0: unknown. */
struct dom_numa {
	uint64_t size, free; /* bytes */
	uint32_t *distances; /* inside the same allocation */
};
int dom_numa(struct dom_ctx *ctx, struct dom_numa **ret_nodes, size_t *ret_nr);

/* "Pool-0": the first pool with an id >= @first. -ENOENT: none. */
struct dom_cpupool {
	uint32_t id;
	uint32_t sched_id; /* XEN_SCHEDULER_* */
	unsigned int nr_domains;
	struct dom_cpumap cpus;
	char name[64];
};
int dom_cpupool(struct dom_ctx *ctx, uint32_t first, struct dom_cpupool *ret_pool);

/*
 * The hypervisor's console ring, piece by piece into @sink, which returns 0 to
 * go on. @clear empties it afterwards.
 */
int dom_console_ring(struct dom_ctx *ctx, bool clear,
		     int (*sink)(void *arg, const char *text, size_t len), void *arg);

/* Presses @keys at the hypervisor's console. */
int dom_debug_keys(struct dom_ctx *ctx, const char *keys);

/* ---- devices ------------------------------------------------------------- */

/* The states of XenbusState*: 1 initialising .. 4 connected, 5 closing, 6 closed. */
struct dom_device {
	char class[8]; /* "vbd", "vif" */
	uint32_t devid;
	uint32_t backend_id;
	int state; /* of the front-end; -1: unknown */
	int64_t evtchn; /* -1: not there yet */
	int64_t ring_ref; /* vbd: its ring; vif: transmit */
	int64_t rx_ring_ref; /* vif */
	char *backend_path, *frontend_path;
	char *mac; /* vif */
	char *bridge; /* vif */
	char *vdev; /* vbd: "xvda" */
	char *target; /* vbd: the file or block device */
};

void dom_devices_free(struct dom_device *devs, size_t nr);

/*
 * Attach waits until the back-end is ready to meet the front-end.
 * -EEXIST: there is such a device. -EBUSY: a writable disk that is in use.
 */
int dom_block_attach(struct dom_ctx *ctx, uint32_t domid, const struct domain_disk *disk);
/*
 * @vdev: "xvda", "51712" or "0xca00". Detach waits until the guest let go:
 * -ETIMEDOUT or -EBUSY if it doesn't, and the device stays; with @force the
 * device goes anyway.
 */
int dom_block_detach(struct dom_ctx *ctx, uint32_t domid, const char *vdev, bool force);
int dom_block_list(struct dom_ctx *ctx, uint32_t domid, struct dom_device **ret_devs,
		   size_t *ret_nr);

int dom_network_attach(struct dom_ctx *ctx, uint32_t domid, const struct domain_vif *nic);
/*
 * @which: a device number or a MAC address. A guest that doesn't let go within
 * 10 s, or at once with @force, loses the interface all the same, as with Xen.
 */
int dom_network_detach(struct dom_ctx *ctx, uint32_t domid, const char *which, bool force);
int dom_network_list(struct dom_ctx *ctx, uint32_t domid, struct dom_device **ret_devs,
		     size_t *ret_nr);

/* "xvda1" -> 51713, as the guest ABI numbers disks. -EINVAL: not a disk name. */
int dom_vdev_parse(const char *vdev, uint32_t *ret_number);
/* The other way; "" for a number that no name has. */
void dom_vdev_format(uint32_t number, char buf[16]);

/* ---- data that belongs to a domain --------------------------------------- */

/*
 * Small files kept with a domain until it is destroyed, by kind: "config" is
 * its configuration as JSON. Replaced atomically. Kept under DOM_STATE_DIR by
 * id and UUID, so a stale file never belongs to a newer domain.
 * -ENOENT: no such data. -EINVAL: a kind is 1..32 of [a-z0-9-].
 */
#define DOM_STATE_DIR "/var/lib/pavise"
int dom_userdata_store(struct dom_ctx *ctx, uint32_t domid, const char *kind, const void *data,
		       size_t len);
int dom_userdata_load(struct dom_ctx *ctx, uint32_t domid, const char *kind, char **ret_data,
		      size_t *ret_len);

#endif
