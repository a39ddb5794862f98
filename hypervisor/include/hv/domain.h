/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Domains and their vCPUs.
 *
 *   life of a domain    entered by                       what it may do
 *   building            domctl createdomain              be filled; paused by its maker
 *   running             domctl unpausedomain             everything
 *   shut down           SCHEDOP_shutdown, a crash        nothing: its vCPUs stand still;
 *                                                        resumedomain takes it back
 *   dying               domctl destroydomain             its resources are taken back, in
 *                                                        slices (the call is continued)
 *   dead                all of its own is back           frames that others still map
 *                                                        keep the struct alive
 *
 * References: domain_get_by_id() takes one, domain_put() drops it; the last one
 * frees the struct. A domain in the list has one of its own until it is dead.
 * Inside a hypercall the current domain needs none.
 *
 * Locks: domains_lock for the list; domain.lock (RANK_DOMAIN) for life cycle
 * changes; others as commented.
 */
#ifndef HV_DOMAIN_H
#define HV_DOMAIN_H

#include <hv/cpumask.h>
#include <hv/list.h>
#include <hv/mm.h>
#include <hv/sched.h>
#include <hv/spinlock.h>
#include <hv/timer.h>
#include <public/domctl.h>
#include <public/vcpu.h>
#include <public/xen.h>
#include <arch/domain.h>
#include <arch/percpu.h>

struct evtchn;
struct evtchn_fifo;
struct evtchn_fifo_vcpu;
struct grant_table;
struct pirq_map;

#define DOMID_IDLE_HV 0x7FFF /* the idle vCPUs' domain: never visible */

struct vcpu {
	struct domain *domain;
	unsigned int id;
	unsigned int cpu; /* whose run queue it is in; changes under that queue's lock */

	/* Scheduling (sched/) */
	unsigned long pause_flags; /* VPF_*, atomic bits */
	int pause_count; /* atomic */
	bool running; /* on a CPU, or just leaving one */
	bool queued; /* in a run queue */
	bool initialised; /* has a context (VCPUOP_initialise, setvcpucontext) */
	bool context_busy; /* somebody is just setting or taking its context; atomic */
	bool yielded;
	struct cpumask hard_affinity, soft_affinity;
	struct vcpu_runstate_info runstate;
	uint64_t runstate_guest; /* guest address of its copy; 0: none */
	void *sched_priv; /* the policy's */

	/* Timers of the guest */
	s_time_t periodic_period, periodic_last;
	struct timer periodic_timer, singleshot_timer, poll_timer;

	/* Events (evtchn/) */
	struct vcpu_info *vcpu_info; /* never NULL: shared, registered or a dummy */
	struct page_info *vcpu_info_page; /* held when registered */
	bool vcpu_info_registered;
	evtchn_port_t virq_port[NR_VIRQS]; /* under evtchn_lock; 0: unbound */
	evtchn_port_t poll_port; /* 0: none or many */
	struct evtchn_fifo_vcpu *evtchn_fifo;

	/* Hypercall in progress */
	struct mc_state *multicall; /* non-NULL inside one */
	bool hcall_restart; /* hypercall_continue was called */

	struct arch_vcpu arch;
};

struct domain {
	domid_t id;
	bool is_privileged; /* the control domain */
	bool is_hardware; /* drives the machine's devices (same one) */
	bool is_shutting_down, is_shut_down;
	uint8_t shutdown_code;
	enum { DOMDYING_alive, DOMDYING_dying, DOMDYING_dead } dying;
	bool created; /* fully made; visible to lookups */
	bool started; /* has been unpaused once */
	uint8_t tool_paused; /* domctl pausedomains in force; its maker's is one */
	bool debugged;
	bool gone; /* out of the list */
	xen_domain_handle_t handle;
	unsigned int max_vcpus;
	struct vcpu **vcpu; /* [max_vcpus], entries NULL until made */

	struct list_head list; /* in domain order by id; read under domains_lock */
	struct domain *hash_next;
	uint32_t refcount;
	int pause_count;
	struct spinlock lock;
	unsigned int destroy_stage; /* how far destruction has come */

	/* Memory: totals under page_lock */
	struct spinlock page_lock;
	struct spinlock pt_lock; /* its page tables and the types of its frames */
	unsigned long tot_pages, max_pages, hyp_pages; /* hyp: lent by the hypervisor */
	unsigned long *page_blocks; /* a bit per 2 MiB of the machine with a frame of ours */
	struct cpumask dirty_cpus; /* may hold TLB entries of it */
	struct shared_info *shared_info; /* others use it under domains_lock: it goes at the end */
	unsigned long claimed_pages;

	/* Events */
	struct spinlock evtchn_lock;
	struct evtchn ***evtchn_groups;
	unsigned int max_evtchn_port; /* highest usable */
	unsigned int valid_evtchns; /* ports below have a struct; never shrinks */
	unsigned int evtchn_count, evtchn_next_close;
	unsigned int evtchn_free_hint; /* all ports below are in use */
	const struct evtchn_port_ops *evtchn_ops; /* 2-level or FIFO */
	struct evtchn_fifo *evtchn_fifo;
	unsigned long poll_mask[BITS_TO_LONGS(MAX_VCPUS)]; /* vCPUs in SCHEDOP_poll */

	struct grant_table *grant_table;

	/* Interrupts */
	struct spinlock pirq_lock;
	struct pirq_map *pirqs;

	/* Scheduling */
	void *sched_priv;
	struct cpumask node_affinity;
	int64_t time_offset_s;
	uint32_t vm_assist; /* bit per VMASST_TYPE_* */
	unsigned int cpupool_id;

	struct arch_domain arch;
};

/* current: the vCPU this CPU runs (the idle one when it has nothing to do). */
#define current (arch_current())

static inline bool is_idle_vcpu(const struct vcpu *v)
{
	return v->domain->id == DOMID_IDLE_HV;
}

static inline bool is_control_domain(const struct domain *d)
{
	return d->is_privileged;
}

extern struct domain *hardware_domain; /* dom0; NULL until it is made */
extern struct domain *idle_domain;
extern struct list_head domain_list; /* all created domains by id, dying ones too */
extern struct spinlock domains_lock;

/* NULL: none with this id. DOMID_SELF is the current domain. Takes a reference. */
struct domain *domain_get_by_id(domid_t id);
/* The same for an id or any higher one. */
struct domain *domain_get_from_id(domid_t id);
/*
 * Another domain for an operation on it that only a privileged caller may do; the
 * caller's own id is fine for all. Takes a reference. -ESRCH: there is none,
 * -EPERM: not allowed. DOMID_IO stands for devices' frames (the caller itself),
 * DOMID_XEN for the hypervisor's.
 */
int __must_check domain_get_foreign(domid_t id, struct domain **ret_d);
/* For the owner of a frame one holds: no lookup failure possible while it is held. NULL: none. */
struct domain *page_get_owner(const struct page_info *pg);
bool domain_get(struct domain *d); /* one more; false when it is being freed */
void domain_put(struct domain *d);

/* @config as in domctl createdomain. -ENOMEM, -EINVAL. */
int domain_create(domid_t id, const struct xen_domctl_createdomain *config, bool privileged,
		  struct domain **ret_d);
/* Preemptible (-ERESTART). */
int domain_kill(struct domain *d);
int vcpu_create(struct domain *d, unsigned int id, unsigned int cpu);

/* The guest is done (reason SHUTDOWN_*). From any of its vCPUs or the hypervisor. */
void domain_shutdown(struct domain *d, uint8_t reason);
void domain_resume(struct domain *d);
/* It did what can't be answered otherwise. Logs @fmt and its registers. */
void domain_crash(struct domain *d, const char *fmt, ...) format_printf(2, 3);

/*
 * After a frame of a dead domain came back: was it the last thing of it? Then it
 * leaves the list.
 */
void domain_check_gone(struct domain *d);

void domains_init(void);
void domain_init_keys(void);

/* VIRQ_DOM_EXC to the control domain. */
void domain_notify_change(void);

/* The vCPU or NULL; @id from a guest. */
struct vcpu *domain_vcpu(const struct domain *d, unsigned int id);

#define for_each_vcpu(d, v)                                           \
	for (unsigned int fev_i = 0; fev_i < (d)->max_vcpus; fev_i++) \
		if (((v) = (d)->vcpu[fev_i]) != NULL)

/* Reads the id list under domains_lock held by the caller. */
#define for_each_domain(d) list_for_each_entry (d, &domain_list, list)

long do_vcpu_op(int cmd, unsigned int vcpuid, uint64_t arg);
int vcpu_reset(struct vcpu *v);
/* vcpu_info now at this frame and offset. */
int vcpu_register_info(struct vcpu *v, mfn_t mfn, unsigned int offset);
/* For one of a dying domain, when all its ports are closed. */
void vcpu_release_info(struct vcpu *v);

/* ---- what the machine-dependent part does -------------------------------- */

int arch_domain_create(struct domain *d, const struct xen_domctl_createdomain *config);
/* Takes back what the guest's own structures hold: preemptible. */
int arch_domain_relinquish(struct domain *d);
void arch_domain_destroy(struct domain *d);
/* What getdomaininfo says of the machine-dependent part; the rest is filled in. */
void arch_domain_get_info(struct domain *d, struct xen_domctl_getdomaininfo *info);
int arch_vcpu_create(struct vcpu *v);
void arch_vcpu_destroy(struct vcpu *v);
/* Back to power-on state; -ERESTART. */
int arch_vcpu_reset(struct vcpu *v);
/* VCPUOP_initialise and setvcpucontext; -ERESTART. */
int arch_vcpu_set_context(struct vcpu *v, const struct vcpu_guest_context *c);
void arch_vcpu_get_context(struct vcpu *v, struct vcpu_guest_context *c);
/* Switches the CPU to @next; returns only on the way to the guest (or to idle). */
void arch_context_switch(struct vcpu *prev, struct vcpu *next);
/* Its state is in memory and no CPU has its page tables loaded. */
void arch_vcpu_sync(struct vcpu *v);
void arch_vcpu_dump(const struct vcpu *v);
/* The interrupt-enabled state that an event for it would meet: may an upcall be made? */
bool arch_vcpu_event_deliverable(const struct vcpu *v);

#endif
