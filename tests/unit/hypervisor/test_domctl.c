/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * domctl and sysctl: all their sub-operations by the list of subops.h for what all have
 * in common (version, status, domain, address), then each for what it does. Answers
 * are asked for twice, with different rubbish in the buffer: what differs hasn't been
 * filled in. The domains are real to the scheduler, event channels and memory; what is
 * beyond (contexts, rights, topology) is made up here. Tries X4.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include <hv/console.h>
#include <hv/evtchn.h>
#include <hv/guest_access.h>
#include <hv/hypercall.h>
#include <hv/irq.h>
#include <hv/lib.h>
#include <hv/page_type.h>
#include <hv/rangeset.h>
#include <hv/softirq.h>
#include <hv/time.h>
#include <public/sysctl.h>
#include <arch/cpuid.h>
#include <arch/dom0.h>
#include <arch/features.h>
#include <arch/page.h>
#include <arch/pci.h>
#include <arch/pv.h>
#include <arch/topology.h>

#include "../../../hypervisor/hypercall/domctl.h"
#include "sim.h"

/* ---- what is made up ------------------------------------------------------------------- */

bool time_tsc_stable;
uint64_t time_tsc_khz = 2600000, xcr0_host = 7;
unsigned int cpu_paddr_bits = 44;
struct spinlock pci_lock = SPINLOCK_INIT(RANK_PCI);

static unsigned int kills, kill_restarts, wall_updates, resumes;
static struct xen_domctl_createdomain created_with;
static int create_answer;
static struct vcpu_guest_context last_context;

int domain_create(domid_t id, const struct xen_domctl_createdomain *config, bool privileged,
		  struct domain **ret_d)
{
	static struct domain made;
	struct domain *d = domain_get_by_id(id);

	if (d) {
		domain_put(d);
		return -EEXIST;
	}
	assert_false(privileged);
	created_with = *config;
	made.id = id;
	*ret_d = &made;
	return create_answer;
}

int domain_kill(struct domain *d)
{
	kills++;
	return kill_restarts && kill_restarts-- ? -ERESTART : 0;
}

void domain_resume(struct domain *d)
{
	resumes++;
}

struct domain *domain_get_from_id(domid_t id)
{
	for (; id < 64; id++) {
		struct domain *d = domain_get_by_id(id);

		if (d)
			return d;
	}
	return NULL;
}

int vcpu_reset(struct vcpu *v)
{
	v->initialised = false;
	return 0;
}

int arch_vcpu_set_context(struct vcpu *v, const struct vcpu_guest_context *c)
{
	assert_false(v->running);
	if (c->user_regs.rip == 0xbad)
		return -EINVAL;
	last_context = *c;
	v->initialised = true;
	return 0;
}

void arch_vcpu_get_context(struct vcpu *v, struct vcpu_guest_context *c)
{
	assert_false(v->running);
	*c = last_context;
}

void time_update_wallclock(struct domain *d)
{
	wall_updates++;
}

bool irq_access_ok(const struct domain *d, unsigned int gsi)
{
	return rangeset_contains(d->arch.irqs, gsi, gsi);
}

int irq_permit(struct domain *d, unsigned int gsi, bool allow)
{
	return allow ? rangeset_add(d->arch.irqs, gsi, gsi)
		     : rangeset_remove(d->arch.irqs, gsi, gsi);
}

int iomem_permit(struct domain *d, mfn_t first, unsigned long nr, bool allow)
{
	return allow ? rangeset_add(d->arch.iomem, mfn_x(first), mfn_x(first) + nr - 1)
		     : rangeset_remove(d->arch.iomem, mfn_x(first), mfn_x(first) + nr - 1);
}

int ioport_permit(struct domain *d, unsigned int first, unsigned int nr, bool allow)
{
	return allow ? rangeset_add(d->arch.ioports, first, first + nr - 1)
		     : rangeset_remove(d->arch.ioports, first, first + nr - 1);
}

unsigned int topology_core(unsigned int cpu)
{
	return cpu;
}

unsigned int topology_socket(unsigned int cpu)
{
	return 3;
}

unsigned int topology_threads_per_core(void)
{
	return 1;
}

unsigned int topology_cores_per_socket(void)
{
	return 2;
}

int arch_feature_words(uint32_t *words, unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++)
		words[i] = 0x100 + i;
	return 0;
}

struct pci_dev *pci_device_find(uint32_t sbdf)
{
	static struct pci_dev dev;

	return sbdf == PCI_SBDF(0, 1, 8) ? &dev : NULL;
}

int console_ring_read(struct xen_sysctl_readconsole *op)
{
	op->count = 3;
	op->index = 77;
	return guest_copy_out(ht_va(op->buffer.p), "abc", 3) ? -EFAULT : 0;
}

static char keys[300];

void keyhandler_run(char key, struct cpu_user_regs *regs)
{
	keys[strlen(keys)] = key;
}

void pv_fill_hypercall_page(void *page)
{
	memset(page, 0xcc, PAGE_SIZE);
}

size_t xstate_blob_size(void)
{
	return 64;
}

void xstate_export(struct vcpu *v, void *blob)
{
	assert_false(v->running);
	memset(blob, 0x77, xstate_blob_size());
}

int xstate_import(struct vcpu *v, const void *blob, size_t size)
{
	assert_false(v->running);
	return *(const char *)blob == 0x77 ? 0 : -EINVAL;
}

#define MADE_UP_POLICY(name)                                       \
	int domctl_##name(struct domain *d, struct xen_domctl *op) \
	{                                                          \
		return 0;                                          \
	}
MADE_UP_POLICY(get_cpu_policy)
MADE_UP_POLICY(set_cpu_policy)

#define MADE_UP_SYSCTL(name)                     \
	int sysctl_##name(struct xen_sysctl *op) \
	{                                        \
		return 0;                        \
	}
MADE_UP_SYSCTL(get_cpu_levelling_caps)
MADE_UP_SYSCTL(get_cpu_featureset)
MADE_UP_SYSCTL(get_cpu_policy)

/* ---- the machine: domain 0 on CPU 0 asks about domain 5 ---------------------------------- */

static struct domain *dom0, *dom5;
static uint32_t references; /* to domain 5, when nobody is at it */

static void set_rights(struct domain *d)
{
	d->arch.ioports = rangeset_new();
	d->arch.iomem = rangeset_new();
	d->arch.irqs = rangeset_new();
}

static int start(void **state)
{
	sim_start(4);
	dom0 = sim_domain(0, 1, 0);
	dom5 = sim_domain(5, 2, 256);
	sim_pin(dom0->vcpu[0], 1, 1);
	sim_pin(dom5->vcpu[0], 2, 2);
	sim_pin(dom5->vcpu[1], 4, 4);
	set_rights(dom0);
	set_rights(dom5);
	ht_current[0] = sched_idle_vcpu(0);
	sim_run(MILLISECS(50));
	ht_cpu = 0;
	assert_ptr_equal(ht_current[0], dom0->vcpu[0]);
	ht_copy_locks = 1;
	references = dom5->refcount;
	list_add_tail(&dom0->list, &domain_list);
	list_add_tail(&dom5->list, &domain_list);
	return 0;
}

static int stop(void **state)
{
	static struct domain **const all[] = {&dom0, &dom5};

	for (unsigned int i = 0; i < 2; i++) {
		struct domain *d = *all[i];

		list_del(&d->list);
		rangeset_free(d->arch.ioports);
		rangeset_free(d->arch.iomem);
		rangeset_free(d->arch.irqs);
	}
	sim_stop();
	return 0;
}

static struct xen_domctl dc;
static struct xen_sysctl sc;

static struct xen_domctl *domctl_new(uint32_t cmd, uint8_t rubbish)
{
	memset(&dc, rubbish, sizeof(dc));
	dc.cmd = cmd;
	dc.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
	dc.domain = 5;
	memset(dc._pad, 0, sizeof(dc._pad));
	return &dc;
}

static struct xen_sysctl *sysctl_new(uint32_t cmd, uint8_t rubbish)
{
	memset(&sc, rubbish, sizeof(sc));
	sc.cmd = cmd;
	sc.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
	return &sc;
}

static long domctl(void)
{
	long rc = do_domctl(ht_va(&dc));

	/* What a pause or a move asks for happens now; domain 0 goes on. */
	sim_settle();
	ht_cpu = 0;
	ht_assert_quiet();
	return rc;
}

static long sysctl(void)
{
	long rc = do_sysctl(ht_va(&sc));

	ht_assert_quiet();
	return rc;
}

/* ---- what all have in common ------------------------------------------------------------------ */

enum status { IMPLEMENTED, PARTLY, REFUSED, NOT };

struct subop_row {
	uint32_t cmd;
	enum status status;
};

#define ROW(prefix, name, status, remark) {prefix##name, status},
static const struct subop_row domctls[] = {SUBOPS_domctl(ROW)};
static const struct subop_row sysctls[] = {SUBOPS_sysctl(ROW)};

static void every_domctl(void **state)
{
	static const domid_t nobody[] = {6, 63, 0x7fef, DOMID_SELF, DOMID_IO, DOMID_XEN, 0xffff};

	for (unsigned int i = 0; i < ARRAY_SIZE(domctls); i++) {
		uint32_t cmd = domctls[i].cmd;
		struct xen_domctl was;

		domctl_new(cmd, 0)->interface_version--;
		was = dc;
		assert_int_equal(domctl(), -EACCES);
		dc.interface_version = 0;
		assert_int_equal(domctl(), -EACCES);
		was.interface_version = 0;
		assert_memory_equal(&dc, &was, sizeof(dc));
		domctl_new(cmd, 0);
		ht_guest_fault(&dc, sizeof(dc));
		assert_int_equal(domctl(), -EFAULT);
		ht_guest_fault((char *)&dc + sizeof(dc) - 1, 1);
		assert_int_equal(domctl(), -EFAULT);
		ht_guest_fault(NULL, 0);
		if (domctls[i].status == NOT) {
			domctl_new(cmd, 0x5a);
			was = dc;
			assert_int_equal(domctl(), -ENOSYS);
			assert_memory_equal(&dc, &was, sizeof(dc));
			continue;
		}
		if (cmd == XEN_DOMCTL_createdomain || cmd == XEN_DOMCTL_getdomaininfo)
			continue;
		for (unsigned int k = 0; k < ARRAY_SIZE(nobody); k++) {
			domctl_new(cmd, 0x5a)->domain = nobody[k];
			was = dc;
			assert_int_equal(domctl(), -ESRCH);
			assert_memory_equal(&dc, &was, sizeof(dc));
		}
		if (domctls[i].status == REFUSED) {
			domctl_new(cmd, 0x5a);
			assert_int_equal(domctl(), -EOPNOTSUPP);
		}
	}
	domctl_new(0, 0);
	assert_int_equal(domctl(), -ENOSYS);
	domctl_new(~0U, 0);
	assert_int_equal(domctl(), -ENOSYS);
	assert_int_equal(do_domctl(0), -EFAULT);
	assert_int_equal(dom5->refcount, references);
	assert_int_equal(kills + resumes, 0);
}

static void every_sysctl(void **state)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(sysctls); i++) {
		uint32_t cmd = sysctls[i].cmd;
		struct xen_sysctl was;

		sysctl_new(cmd, 0)->interface_version++;
		was = sc;
		assert_int_equal(sysctl(), -EACCES);
		assert_memory_equal(&sc, &was, sizeof(sc));
		sysctl_new(cmd, 0);
		ht_guest_fault(&sc, sizeof(sc));
		assert_int_equal(sysctl(), -EFAULT);
		ht_guest_fault(NULL, 0);
		if (sysctls[i].status == NOT || sysctls[i].status == REFUSED) {
			sysctl_new(cmd, 0x5a);
			was = sc;
			assert_int_equal(sysctl(),
					 sysctls[i].status == NOT ? -ENOSYS : -EOPNOTSUPP);
			assert_memory_equal(&sc, &was, sizeof(sc));
		}
	}
	sysctl_new(0, 0);
	assert_int_equal(sysctl(), -ENOSYS);
	sysctl_new(~0U, 0);
	assert_int_equal(sysctl(), -ENOSYS);
}

/*
 * Arguments of any content, in any state: errors, never more. Those that end or pause
 * are left out; they have tests of their own.
 */
static void any_arguments(void **state)
{
	srandom(1);
	for (unsigned int k = 0; k < 30000; k++) {
		uint32_t cmd = domctls[(size_t)random() % ARRAY_SIZE(domctls)].cmd;

		if (cmd == XEN_DOMCTL_destroydomain || cmd == XEN_DOMCTL_pausedomain ||
		    cmd == XEN_DOMCTL_unpausedomain || cmd == XEN_DOMCTL_createdomain ||
		    cmd == XEN_DOMCTL_set_virq_handler || cmd == XEN_DOMCTL_setvcpuaffinity)
			continue;
		domctl_new(cmd, 0);
		for (unsigned int i = 0; i < sizeof(dc.u); i++) {
			if (random() % 4 == 0)
				dc.u.pad[i] = (uint8_t)(random() % 3 ? random() % 3 : random());
		}
		dc.domain = random() % 8 ? 5 : 0;
		/* What may be an address is none that a guest can have. */
		for (unsigned int i = 7; i < sizeof(dc.u); i += 8)
			dc.u.pad[i] = 0x7f;
		domctl();
	}
	assert_int_equal(dom5->refcount, references);
	assert_int_equal(dom5->pause_count, 0);
}

/* ---- each ---------------------------------------------------------------------------------------- */

/* An answer with different rubbish before: all of it has to be the same. */
#define ASK_TWICE(cmd, member, set_up)                                                    \
	do {                                                                              \
		struct xen_domctl first_;                                                 \
		domctl_new(cmd, 0x5a);                                                    \
		set_up;                                                                   \
		assert_int_equal(domctl(), 0);                                            \
		first_ = dc;                                                              \
		domctl_new(cmd, 0xa5);                                                    \
		set_up;                                                                   \
		assert_int_equal(domctl(), 0);                                            \
		assert_memory_equal(&first_.u.member, &dc.u.member, sizeof(dc.u.member)); \
	} while (0)

#define ASK_SYSCTL_TWICE(cmd, member, set_up)                                             \
	do {                                                                              \
		struct xen_sysctl first_;                                                 \
		sysctl_new(cmd, 0x5a);                                                    \
		set_up;                                                                   \
		assert_int_equal(sysctl(), 0);                                            \
		first_ = sc;                                                              \
		sysctl_new(cmd, 0xa5);                                                    \
		set_up;                                                                   \
		assert_int_equal(sysctl(), 0);                                            \
		assert_memory_equal(&first_.u.member, &sc.u.member, sizeof(sc.u.member)); \
	} while (0)

static uint32_t info_flags(void)
{
	ASK_TWICE(XEN_DOMCTL_getdomaininfo, getdomaininfo, (void)0);
	return dc.u.getdomaininfo.flags;
}

static void getdomaininfo(void **state)
{
	const struct xen_domctl_getdomaininfo *i = &dc.u.getdomaininfo;
	const uint32_t none = 0xffU << XEN_DOMINF_shutdownshift;

	dom5->handle[0] = 9;
	assert_int_equal(info_flags(), XEN_DOMINF_running | none);
	assert_int_equal(dc.domain, 5);
	assert_int_equal(i->domain, 5);
	assert_int_equal(i->nr_online_vcpus, 2);
	assert_int_equal(i->max_vcpu_id, 1);
	assert_int_equal(i->cpu_time, sim_of(dom5->vcpu[0])->ran + sim_of(dom5->vcpu[1])->ran);
	assert_int_equal(i->tot_pages, dom5->tot_pages);
	assert_int_equal(i->max_pages, dom5->max_pages);
	assert_int_equal(i->shared_info_frame, mfn_x(virt_to_mfn(dom5->shared_info)));
	assert_int_equal(i->handle[0], 9);
	assert_int_equal(i->gpaddr_bits, 44);
	/* The next one from an id on; none. */
	domctl_new(XEN_DOMCTL_getdomaininfo, 0)->domain = 1;
	assert_int_equal(domctl(), 0);
	assert_int_equal(dc.domain, 5);
	domctl_new(XEN_DOMCTL_getdomaininfo, 0)->domain = 6;
	assert_int_equal(domctl(), -ESRCH);
	/* All blocked; one down; paused; shut down; dying and dead. */
	set_bit(VPF_blocked, &dom5->vcpu[0]->pause_flags);
	set_bit(VPF_polling, &dom5->vcpu[1]->pause_flags);
	vcpu_sleep_sync(sched_idle_vcpu(0));
	domain_pause_nosync(dom5);
	sim_settle();
	assert_int_equal(info_flags(), XEN_DOMINF_blocked | none);
	set_bit(VPF_down, &dom5->vcpu[1]->pause_flags);
	assert_int_equal(info_flags(), XEN_DOMINF_blocked | none);
	assert_int_equal(i->nr_online_vcpus, 1);
	assert_int_equal(i->max_vcpu_id, 1);
	dom5->tool_paused = 1;
	dom5->debugged = true;
	assert_int_equal(info_flags(),
			 XEN_DOMINF_blocked | XEN_DOMINF_paused | XEN_DOMINF_debugged | none);
	dom5->tool_paused = 0;
	dom5->debugged = false;
	dom5->is_shut_down = true;
	dom5->shutdown_code = SHUTDOWN_crash;
	assert_int_equal(info_flags(),
			 XEN_DOMINF_shutdown | SHUTDOWN_crash << XEN_DOMINF_shutdownshift);
	dom5->is_shut_down = false;
	dom5->dying = DOMDYING_dying;
	assert_int_equal(info_flags(), none);
	dom5->dying = DOMDYING_dead;
	assert_int_equal(info_flags(), XEN_DOMINF_dying | none);
	dom5->dying = DOMDYING_alive;
	clear_bit(VPF_blocked, &dom5->vcpu[0]->pause_flags);
	clear_bit(VPF_polling, &dom5->vcpu[1]->pause_flags);
	clear_bit(VPF_down, &dom5->vcpu[1]->pause_flags);
	domain_unpause(dom5);
}

static void pausing(void **state)
{
	for (unsigned int i = 0; i < 255; i++) {
		domctl_new(XEN_DOMCTL_pausedomain, 0);
		assert_int_equal(domctl(), 0);
	}
	assert_int_equal(domctl(), -EOVERFLOW);
	assert_false(dom5->vcpu[0]->running || dom5->vcpu[0]->queued);
	for (unsigned int i = 0; i < 255; i++) {
		assert_false(dom5->vcpu[0]->running);
		domctl_new(XEN_DOMCTL_unpausedomain, 0);
		assert_int_equal(domctl(), 0);
	}
	assert_true(dom5->vcpu[0]->running);
	assert_true(dom5->started);
	assert_int_equal(domctl(), -EINVAL);
	domctl_new(XEN_DOMCTL_pausedomain, 0)->domain = 0;
	assert_int_equal(domctl(), -EINVAL); /* oneself */
	domctl_new(XEN_DOMCTL_resumedomain, 0)->domain = 0;
	assert_int_equal(domctl(), -EINVAL);
	domctl_new(XEN_DOMCTL_resumedomain, 0);
	resumes = 0;
	assert_int_equal(domctl(), 0);
	assert_int_equal(resumes, 1);
}

static void destroying(void **state)
{
	kills = 0;
	kill_restarts = 1;
	domctl_new(XEN_DOMCTL_destroydomain, 0);
	ht_continuation.nr = 0;
	assert_int_equal(domctl(), HT_CONTINUED);
	assert_int_equal(ht_continuation.op, __HYPERVISOR_domctl);
	assert_int_equal(ht_continuation.nr, 1);
	assert_int_equal(ht_continuation.arg[0], ht_va(&dc));
	assert_int_equal(domctl(), 0);
	assert_int_equal(kills, 2);
}

static void creating(void **state)
{
	domid_t first;

	domctl_new(XEN_DOMCTL_createdomain, 0)->domain = 9;
	assert_int_equal(domctl(), 0);
	assert_int_equal(dc.domain, 9);
	domctl_new(XEN_DOMCTL_createdomain, 0);
	assert_int_equal(domctl(), -EEXIST); /* 5 */
	/* Any: another each time, and none that is in use. */
	domctl_new(XEN_DOMCTL_createdomain, 0)->domain = 0;
	assert_int_equal(domctl(), 0);
	first = dc.domain;
	for (unsigned int i = 1; i < 8; i++) {
		domctl_new(XEN_DOMCTL_createdomain, 0)->domain = 0xffff;
		assert_int_equal(domctl(), 0);
		assert_true(dc.domain > first && dc.domain != 5);
		first = dc.domain;
	}
	/* What isn't there. */
	domctl_new(XEN_DOMCTL_createdomain, 0)->u.createdomain.flags = XEN_DOMCTL_CDF_hvm;
	assert_int_equal(domctl(), -EINVAL);
	domctl_new(XEN_DOMCTL_createdomain, 0)->u.createdomain.iommu_opts = 1;
	assert_int_equal(domctl(), -EINVAL);
	domctl_new(XEN_DOMCTL_createdomain, 0)->u.createdomain.cpupool_id = 1;
	assert_int_equal(domctl(), -ENOENT);
	domctl_new(XEN_DOMCTL_createdomain, 0)->u.createdomain.arch.emulation_flags = 1;
	assert_int_equal(domctl(), -EINVAL);
	create_answer = -ENOMEM;
	domctl_new(XEN_DOMCTL_createdomain, 0)->domain = 0;
	assert_int_equal(domctl(), -ENOMEM);
	assert_int_equal(dc.domain, 0);
	create_answer = 0;
}

static void properties(void **state)
{
	domctl_new(XEN_DOMCTL_max_mem, 0)->u.max_mem.max_memkb = 4099;
	assert_int_equal(domctl(), 0);
	assert_int_equal(dom5->max_pages, 1024);
	domctl_new(XEN_DOMCTL_max_mem, 0)->u.max_mem.max_memkb = ~0UL;
	assert_int_equal(domctl(), 0);
	assert_true(dom5->max_pages <= UINT32_MAX);
	domctl_new(XEN_DOMCTL_setdomainhandle, 0)->u.setdomainhandle.handle[15] = 0xee;
	assert_int_equal(domctl(), 0);
	assert_int_equal(dom5->handle[15], 0xee);
	domctl_new(XEN_DOMCTL_setdebugging, 0)->u.setdebugging.enable = 1;
	assert_int_equal(domctl(), 0);
	assert_true(dom5->debugged);
	dc.domain = 0;
	assert_int_equal(domctl(), -EINVAL);
	wall_updates = 0;
	domctl_new(XEN_DOMCTL_settimeoffset, 0)->u.settimeoffset.time_offset_seconds = -7;
	assert_int_equal(domctl(), 0);
	assert_int_equal(dom5->time_offset_s, -7);
	assert_int_equal(wall_updates, 1);
	ASK_TWICE(XEN_DOMCTL_get_address_size, address_size, (void)0);
	assert_int_equal(dc.u.address_size.size, 64);
	domctl_new(XEN_DOMCTL_set_address_size, 0)->u.address_size.size = 64;
	assert_int_equal(domctl(), 0);
	domctl_new(XEN_DOMCTL_set_address_size, 0)->u.address_size.size = 32;
	assert_int_equal(domctl(), -EINVAL);
	domctl_new(XEN_DOMCTL_shadow_op, 0);
	assert_int_equal(domctl(), 0);
	dc.u.shadow_op.op = XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY;
	assert_int_equal(domctl(), -EOPNOTSUPP);
	domctl_new(XEN_DOMCTL_set_virq_handler, 0)->u.set_virq_handler.virq = VIRQ_TIMER;
	assert_int_equal(domctl(), -EINVAL);
	dc.u.set_virq_handler.virq = VIRQ_DOM_EXC;
	assert_int_equal(domctl(), 0);
	assert_int_equal(dom5->refcount, references + 1);
	evtchn_clear_global_virq_handlers(dom5);
	assert_int_equal(dom5->refcount, references);
	dc.u.set_virq_handler.virq = NR_VIRQS;
	assert_int_equal(domctl(), -EINVAL);
}

static void scheduler(void **state)
{
	struct xen_domctl_scheduler_op *s = &dc.u.scheduler_op;

	domctl_new(XEN_DOMCTL_scheduler_op, 0);
	s->sched_id = XEN_SCHEDULER_CREDIT;
	s->cmd = XEN_DOMCTL_SCHEDOP_getinfo;
	assert_int_equal(domctl(), 0);
	assert_int_equal(s->u.credit.weight, 256);
	s->cmd = XEN_DOMCTL_SCHEDOP_putinfo;
	s->u.credit.weight = 512;
	assert_int_equal(domctl(), 0);
	s->u.credit.weight = 0;
	s->cmd = XEN_DOMCTL_SCHEDOP_getinfo;
	assert_int_equal(domctl(), 0);
	assert_int_equal(s->u.credit.weight, 512);
	s->sched_id++;
	assert_int_equal(domctl(), -EINVAL);
}

static void vcpu_info_and_context(void **state)
{
	static struct vcpu_guest_context c, back;

	ASK_TWICE(XEN_DOMCTL_getvcpuinfo, getvcpuinfo, dc.u.getvcpuinfo.vcpu = 1);
	assert_int_equal(dc.u.getvcpuinfo.online, 1);
	assert_int_equal(dc.u.getvcpuinfo.running, 1);
	assert_int_equal(dc.u.getvcpuinfo.blocked, 0);
	assert_int_equal(dc.u.getvcpuinfo.cpu, 2);
	assert_int_equal(dc.u.getvcpuinfo.cpu_time, sim_of(dom5->vcpu[1])->ran);
	domctl_new(XEN_DOMCTL_getvcpuinfo, 0)->u.getvcpuinfo.vcpu = 2;
	assert_int_equal(domctl(), -EINVAL);

	/* Running ones are taken off their CPUs by somebody else's settling: pause first. */
	domain_pause_nosync(dom5);
	sim_settle();
	domctl_new(XEN_DOMCTL_getvcpucontext, 0)->u.vcpucontext.ctxt.p = &back;
	assert_int_equal(domctl(), -ENODATA);
	domctl_new(XEN_DOMCTL_setvcpucontext, 0)->u.vcpucontext.ctxt.p = &c;
	c.flags = VGCF_online;
	c.user_regs.rip = 0x1234;
	assert_int_equal(domctl(), 0);
	assert_false(test_bit(VPF_down, &dom5->vcpu[0]->pause_flags));
	memset(&back, 0x5a, sizeof(back));
	domctl_new(XEN_DOMCTL_getvcpucontext, 0)->u.vcpucontext.ctxt.p = &back;
	assert_int_equal(domctl(), 0);
	assert_memory_equal(&c, &back, sizeof(c));
	domctl_new(XEN_DOMCTL_setvcpucontext, 0)->u.vcpucontext.ctxt.p = &c;
	c.flags = 0;
	assert_int_equal(domctl(), 0);
	assert_true(test_bit(VPF_down, &dom5->vcpu[0]->pause_flags));
	c.user_regs.rip = 0xbad;
	c.flags = VGCF_online;
	assert_int_equal(domctl(), -EINVAL);
	assert_true(test_bit(VPF_down, &dom5->vcpu[0]->pause_flags)); /* as it was */
	ht_guest_fault(&c, sizeof(c));
	assert_int_equal(domctl(), -EFAULT);
	ht_guest_fault(NULL, 0);
	dc.u.vcpucontext.vcpu = 2;
	assert_int_equal(domctl(), -EINVAL);
	dc.u.vcpucontext.vcpu = 0;
	dc.domain = 0;
	assert_int_equal(domctl(), -EINVAL);
	domctl_new(XEN_DOMCTL_setvcpucontext, 0); /* none: reset */
	assert_int_equal(domctl(), 0);
	assert_false(dom5->vcpu[0]->initialised);
	clear_bit(VPF_down, &dom5->vcpu[0]->pause_flags);
	domain_unpause(dom5);
	sim_settle();
	assert_int_equal(dom5->pause_count, 0);
}

static void affinity(void **state)
{
	struct xen_domctl_vcpuaffinity *a = &dc.u.vcpuaffinity;
	uint64_t hard = 0xf, soft = 0x6;
	uint8_t wide[16];

	domctl_new(XEN_DOMCTL_setvcpuaffinity, 0);
	a->vcpu = 1;
	a->flags = XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT;
	a->cpumap_hard.bitmap.p = (uint8_t *)&hard;
	a->cpumap_hard.nr_bits = a->cpumap_soft.nr_bits = 64;
	a->cpumap_soft.bitmap.p = (uint8_t *)&soft;
	hard = 0xff0000000a;
	assert_int_equal(domctl(), 0);
	assert_int_equal(hard, 0xa); /* what comes of it: of the CPUs there are */
	assert_int_equal(soft, 0x2);
	assert_int_equal(dom5->vcpu[1]->hard_affinity.bits, 0xff0000000a);
	sim_run(MILLISECS(1));
	assert_true(BIT(dom5->vcpu[1]->cpu) & 0xa);
	dc.cmd = XEN_DOMCTL_getvcpuaffinity;
	memset(wide, 0x5a, sizeof(wide));
	a->flags = XEN_VCPUAFFINITY_HARD;
	a->cpumap_hard.bitmap.p = wide;
	a->cpumap_hard.nr_bits = 100; /* 13 bytes */
	assert_int_equal(domctl(), 0);
	assert_int_equal(wide[0], 0xa);
	assert_int_equal(wide[4], 0xff);
	for (unsigned int i = 5; i < 13; i++)
		assert_int_equal(wide[i], 0);
	assert_int_equal(wide[13], 0x5a);
	a->cpumap_hard.nr_bits = 3; /* less than we have: cut */
	wide[0] = 0x5a;
	assert_int_equal(domctl(), 0);
	assert_int_equal(wide[0], 2);
	a->cpumap_hard.nr_bits = ~0U;
	assert_int_equal(domctl(), -E2BIG);
	a->cpumap_hard.nr_bits = 64;
	ht_guest_fault(wide, sizeof(wide));
	assert_int_equal(domctl(), -EFAULT);
	dc.cmd = XEN_DOMCTL_setvcpuaffinity;
	assert_int_equal(domctl(), -EFAULT);
	ht_guest_fault(NULL, 0);
	memset(wide, 0, sizeof(wide));
	assert_int_equal(domctl(), -EINVAL); /* no CPU at all */
	wide[0] = 0xf0;
	assert_int_equal(domctl(), -EINVAL); /* none that there is */
	a->flags = 0;
	assert_int_equal(domctl(), -EINVAL);
	a->flags = XEN_VCPUAFFINITY_HARD;
	a->vcpu = 2;
	assert_int_equal(domctl(), -EINVAL);
	assert_int_equal(dom5->vcpu[1]->hard_affinity.bits, 0xff0000000a);

	domctl_new(XEN_DOMCTL_getnodeaffinity, 0)->u.nodeaffinity.nodemap.bitmap.p = wide;
	dc.u.nodeaffinity.nodemap.nr_bits = 8;
	assert_int_equal(domctl(), 0);
	assert_int_equal(wide[0], 1);
	dc.cmd = XEN_DOMCTL_setnodeaffinity;
	assert_int_equal(domctl(), 0);
	wide[0] = 2;
	assert_int_equal(domctl(), -EINVAL);
}

static void rights(void **state)
{
	struct xen_domctl_ioport_permission *p = &dc.u.ioport_permission;
	struct xen_domctl_iomem_permission *m = &dc.u.iomem_permission;

	/* Nobody passes on what he doesn't have. */
	domctl_new(XEN_DOMCTL_ioport_permission, 0);
	*p = (struct xen_domctl_ioport_permission){
		.first_port = 0x3f0, .nr_ports = 8, .allow_access = 1};
	assert_int_equal(domctl(), -EPERM);
	rangeset_add(dom0->arch.ioports, 0x3f0, 0x3f7);
	assert_int_equal(domctl(), 0);
	assert_true(rangeset_contains(dom5->arch.ioports, 0x3f0, 0x3f7));
	p->nr_ports = 9;
	assert_int_equal(domctl(), -EPERM);
	p->nr_ports = 0;
	assert_int_equal(domctl(), -EINVAL);
	p->first_port = ~0U;
	p->nr_ports = 2;
	assert_int_equal(domctl(), -EINVAL);
	domctl_new(XEN_DOMCTL_iomem_permission, 0);
	*m = (struct xen_domctl_iomem_permission){
		.first_mfn = 0xfe000, .nr_mfns = 4, .allow_access = 1};
	assert_int_equal(domctl(), -EPERM);
	rangeset_add(dom0->arch.iomem, 0xfe000, 0xfe003);
	assert_int_equal(domctl(), 0);
	m->nr_mfns = 0;
	assert_int_equal(domctl(), -EINVAL);
	m->first_mfn = ~0UL;
	m->nr_mfns = 2;
	assert_int_equal(domctl(), -EINVAL);
	domctl_new(XEN_DOMCTL_irq_permission, 0)->u.irq_permission.pirq = 9;
	dc.u.irq_permission.allow_access = 1;
	assert_int_equal(domctl(), -EPERM);
	rangeset_add(dom0->arch.irqs, 9, 9);
	assert_int_equal(domctl(), 0);
	assert_true(rangeset_contains(dom5->arch.irqs, 9, 9));
	dc.u.irq_permission.allow_access = 0;
	assert_int_equal(domctl(), 0);
	assert_false(rangeset_contains(dom5->arch.irqs, 9, 9));
}

static void frames(void **state)
{
	mfn_t mine = ht_domain_page(dom5), page = ht_domain_page(dom5),
	      others = ht_domain_page(dom0);
	uint64_t array[200];
	struct xen_domctl_getpageframeinfo3 *g = &dc.u.getpageframeinfo3;

	domctl_new(XEN_DOMCTL_hypercall_init, 0)->u.hypercall_init.gmfn = mfn_x(page);
	assert_int_equal(domctl(), 0);
	assert_int_equal(*(unsigned char *)mfn_to_virt(page), 0xcc);
	dc.u.hypercall_init.gmfn = mfn_x(others);
	assert_int_equal(domctl(), -EACCES);
	dc.u.hypercall_init.gmfn = 1UL << 50;
	assert_int_equal(domctl(), -EACCES);
	/* Not while it is a page table. */
	assert_int_equal(page_get_and_type(mfn_to_page(mine), dom5, PGT_l1), 0);
	dc.u.hypercall_init.gmfn = mfn_x(mine);
	assert_int_equal(domctl(), -EACCES);

	for (unsigned int i = 0; i < 200; i++)
		array[i] = i % 4 == 0   ? mfn_x(mine)
			   : i % 4 == 1 ? mfn_x(page)
			   : i % 4 == 2 ? mfn_x(others)
					: ~0UL;
	domctl_new(XEN_DOMCTL_getpageframeinfo3, 0);
	g->num = 200;
	g->array.p = array;
	assert_int_equal(domctl(), 0);
	for (unsigned int i = 0; i < 200; i++)
		assert_int_equal(array[i], i % 4 == 0   ? XEN_DOMCTL_PFINFO_L1TAB
					   : i % 4 == 1 ? XEN_DOMCTL_PFINFO_NOTAB
							: XEN_DOMCTL_PFINFO_XTAB);
	g->num = 1025;
	assert_int_equal(domctl(), -E2BIG);
	g->num = ~0UL;
	assert_int_equal(domctl(), -E2BIG);
	g->num = 200;
	ht_guest_fault(array + 150, 8);
	assert_int_equal(domctl(), -EFAULT);
	ht_guest_fault(NULL, 0);
	assert_int_equal(page_put_and_type(mfn_to_page(mine)), 0);
	ht_domain_page_release(mine);
	ht_domain_page_release(page);
	ht_domain_page_release(others);
}

static void state_of_vcpus(void **state)
{
	struct xen_domctl_vcpuextstate *x = &dc.u.vcpuextstate;
	static uint64_t blob[9];

	domain_pause_nosync(dom5);
	sim_settle();
	domctl_new(XEN_DOMCTL_getvcpuextstate, 0);
	assert_int_equal(domctl(), 0); /* how much? */
	assert_int_equal(x->size, 64);
	assert_int_equal(x->xfeature_mask, 7);
	x->buffer.p = blob;
	assert_int_equal(domctl(), 0);
	assert_int_equal(blob[7], 0x7777777777777777);
	assert_int_equal(blob[8], 0);
	x->size = 63;
	assert_int_equal(domctl(), -EINVAL);
	x->size = 64;
	ht_guest_fault(blob, sizeof(blob));
	assert_int_equal(domctl(), -EFAULT);
	dc.cmd = XEN_DOMCTL_setvcpuextstate;
	assert_int_equal(domctl(), -EFAULT);
	ht_guest_fault(NULL, 0);
	assert_int_equal(domctl(), 0);
	x->size = 65;
	assert_int_equal(domctl(), -EINVAL);
	x->size = ~0UL;
	assert_int_equal(domctl(), -EINVAL);
	x->vcpu = 2;
	assert_int_equal(domctl(), -ESRCH);

	ASK_TWICE(XEN_DOMCTL_get_ext_vcpucontext, ext_vcpucontext, dc.u.ext_vcpucontext.vcpu = 1);
	assert_int_equal(dc.u.ext_vcpucontext.size, sizeof(dc.u.ext_vcpucontext));
	dc.cmd = XEN_DOMCTL_set_ext_vcpucontext;
	assert_int_equal(domctl(), 0);
	dc.u.ext_vcpucontext.size = 3;
	assert_int_equal(domctl(), -EINVAL);
	domctl_new(XEN_DOMCTL_get_vcpu_msrs, 0)->u.vcpu_msrs.msr_count = 9;
	assert_int_equal(domctl(), 0);
	assert_int_equal(dc.u.vcpu_msrs.msr_count, 0);
	domctl_new(XEN_DOMCTL_set_vcpu_msrs, 0);
	assert_int_equal(domctl(), 0);
	dc.u.vcpu_msrs.msr_count = 1;
	assert_int_equal(domctl(), -EINVAL);

	domctl_new(XEN_DOMCTL_settscinfo, 0)->u.tsc_info = (struct xen_domctl_tsc_info){
		.tsc_mode = 2, .incarnation = 3, .elapsed_nsec = 1000000};
	assert_int_equal(domctl(), 0);
	ASK_TWICE(XEN_DOMCTL_gettscinfo, tsc_info, (void)0);
	assert_int_equal(dc.u.tsc_info.tsc_mode, 2);
	assert_int_equal(dc.u.tsc_info.incarnation, 3);
	assert_int_equal(dc.u.tsc_info.gtsc_khz, 2600000);
	assert_int_equal(dc.u.tsc_info.elapsed_nsec, 1000000);
	domctl_new(XEN_DOMCTL_settscinfo, 0)->u.tsc_info.tsc_mode = 3;
	assert_int_equal(domctl(), -EINVAL);
	domain_unpause(dom5);
	sim_settle();
}

/* ---- sysctls ------------------------------------------------------------------------------------------ */

static void machine(void **state)
{
	static xen_sysctl_cpuinfo_t cpu[5];
	static xen_sysctl_cputopo_t topo[5];
	xen_sysctl_meminfo_t mem = {0};
	uint32_t distance = 99;

	ASK_SYSCTL_TWICE(XEN_SYSCTL_physinfo, physinfo, (void)0);
	assert_int_equal(sc.u.physinfo.nr_cpus, 4);
	assert_int_equal(sc.u.physinfo.max_cpu_id, 3);
	assert_int_equal(sc.u.physinfo.cores_per_socket, 2);
	assert_int_equal(sc.u.physinfo.cpu_khz, 2600000);
	assert_int_equal(sc.u.physinfo.free_pages, page_free_count());
	assert_int_equal(sc.u.physinfo.hw_cap[7], 0x107);
	assert_true(sc.u.physinfo.capabilities & XEN_SYSCTL_PHYSCAP_pv);

	ASK_SYSCTL_TWICE(XEN_SYSCTL_sched_id, sched_id, (void)0);
	assert_int_equal(sc.u.sched_id.sched_id, XEN_SCHEDULER_CREDIT);

	sysctl_new(XEN_SYSCTL_getcpuinfo, 0)->u.getcpuinfo.max_cpus = 5;
	sc.u.getcpuinfo.info.p = cpu;
	cpu[4].idletime = 0x5a;
	assert_int_equal(sysctl(), 0);
	assert_int_equal(sc.u.getcpuinfo.nr_cpus, 4);
	assert_int_equal(cpu[0].idletime, vcpu_cpu_time(sched_idle_vcpu(0)));
	assert_true(cpu[3].idletime > 0);
	assert_int_equal(cpu[4].idletime, 0x5a);
	ht_guest_fault(&cpu[2], 1);
	assert_int_equal(sysctl(), -EFAULT);
	ht_guest_fault(NULL, 0);

	sysctl_new(XEN_SYSCTL_cputopoinfo, 0);
	assert_int_equal(sysctl(), 0); /* how many? */
	assert_int_equal(sc.u.cputopoinfo.num_cpus, 4);
	sc.u.cputopoinfo.num_cpus = 5;
	sc.u.cputopoinfo.cputopo.p = topo;
	topo[4].core = 77;
	assert_int_equal(sysctl(), 0);
	assert_int_equal(sc.u.cputopoinfo.num_cpus, 4);
	assert_int_equal(topo[3].core, 3);
	assert_int_equal(topo[3].socket, 3);
	assert_int_equal(topo[3].node, 0);
	assert_int_equal(topo[4].core, 77);

	sysctl_new(XEN_SYSCTL_numainfo, 0);
	assert_int_equal(sysctl(), 0);
	assert_int_equal(sc.u.numainfo.num_nodes, 1);
	sc.u.numainfo.meminfo.p = &mem;
	sc.u.numainfo.distance.p = &distance;
	assert_int_equal(sysctl(), 0);
	assert_int_equal(mem.memsize, (uint64_t)total_pages << PAGE_SHIFT);
	assert_int_equal(distance, 10);

	sysctl_new(XEN_SYSCTL_availheap, 0)->u.availheap.node = -1;
	assert_int_equal(sysctl(), 0);
	assert_int_equal(sc.u.availheap.avail_bytes, (uint64_t)page_free_count() << PAGE_SHIFT);
	sysctl_new(XEN_SYSCTL_availheap, 0)->u.availheap.node = 1;
	assert_int_equal(sysctl(), 0);
	assert_int_equal(sc.u.availheap.avail_bytes, 0);
}

static void lists(void **state)
{
	static xen_domctl_getdomaininfo_t info[3];
	struct xen_sysctl_getdomaininfolist *l = &sc.u.getdomaininfolist;
	physdev_pci_device_t dev[3] = {{0, 1, 8}, {0, 1, 9}, {0, 1, 8}};
	uint32_t nodes[3] = {99, 99, 99};
	char many[257];

	memset(info, 0x5a, sizeof(info));
	sysctl_new(XEN_SYSCTL_getdomaininfolist, 0);
	l->max_domains = 3;
	l->buffer.p = info;
	assert_int_equal(sysctl(), 0);
	assert_int_equal(l->num_domains, 2);
	assert_int_equal(info[0].domain, 0);
	assert_int_equal(info[1].domain, 5);
	assert_int_equal(info[2].domain, 0x5a5a);
	l->first_domain = 1;
	l->max_domains = 1;
	assert_int_equal(sysctl(), 0);
	assert_int_equal(l->num_domains, 1);
	assert_int_equal(info[0].domain, 5);
	l->first_domain = 6;
	assert_int_equal(sysctl(), 0);
	assert_int_equal(l->num_domains, 0);
	l->first_domain = 0;
	ht_guest_fault(info, sizeof(info));
	assert_int_equal(sysctl(), -EFAULT);
	ht_guest_fault(NULL, 0);

	sysctl_new(XEN_SYSCTL_pcitopoinfo, 0);
	assert_int_equal(sysctl(), -EINVAL);
	sc.u.pcitopoinfo.num_devs = 3;
	sc.u.pcitopoinfo.devs.p = dev;
	sc.u.pcitopoinfo.nodes.p = nodes;
	assert_int_equal(sysctl(), 0);
	assert_int_equal(nodes[0], 0);
	assert_int_equal(nodes[1], XEN_INVALID_DEV);
	ht_preempt_every(1);
	assert_int_equal(sysctl(), 0);
	assert_int_equal(sc.u.pcitopoinfo.num_devs, 1); /* so far */
	ht_preempt_every(0);

	sysctl_new(XEN_SYSCTL_debug_keys, 0)->u.debug_keys.nr_keys = 3;
	memcpy(many, "hqe", 3);
	sc.u.debug_keys.keys.p = many;
	assert_int_equal(sysctl(), 0);
	assert_string_equal(keys, "hqe");
	sc.u.debug_keys.nr_keys = 257;
	assert_int_equal(sysctl(), -E2BIG);

	sysctl_new(XEN_SYSCTL_readconsole, 0)->u.readconsole.buffer.p = many;
	assert_int_equal(sysctl(), 0);
	assert_int_equal(sc.u.readconsole.count, 3);
	assert_int_equal(sc.u.readconsole.index, 77);
}

static void pools(void **state)
{
	struct xen_sysctl_cpupool_op *p = &sc.u.cpupool_op;
	uint64_t map = 0;

	sysctl_new(XEN_SYSCTL_cpupool_op, 0);
	p->op = XEN_SYSCTL_CPUPOOL_OP_INFO;
	p->cpupool_id = XEN_SYSCTL_CPUPOOL_PAR_ANY;
	p->cpumap.bitmap.p = (uint8_t *)&map;
	p->cpumap.nr_bits = 64;
	assert_int_equal(sysctl(), 0);
	assert_int_equal(p->cpupool_id, 0);
	assert_int_equal(p->sched_id, XEN_SCHEDULER_CREDIT);
	assert_int_equal(p->n_dom, 2);
	assert_int_equal(map, 0xf);
	p->op = XEN_SYSCTL_CPUPOOL_OP_INFO;
	p->cpupool_id = 1;
	assert_int_equal(sysctl(), -ENOENT);
	p->op = XEN_SYSCTL_CPUPOOL_OP_FREEINFO;
	assert_int_equal(sysctl(), 0);
	assert_int_equal(map, 0);
	p->op = XEN_SYSCTL_CPUPOOL_OP_MOVEDOMAIN;
	p->cpupool_id = 0;
	p->domid = 5;
	assert_int_equal(sysctl(), 0);
	p->domid = 6;
	assert_int_equal(sysctl(), -ESRCH);
	p->cpupool_id = 1;
	assert_int_equal(sysctl(), -ENOENT);
	p->op = XEN_SYSCTL_CPUPOOL_OP_CREATE;
	assert_int_equal(sysctl(), -EOPNOTSUPP);
	p->op = XEN_SYSCTL_CPUPOOL_OP_DESTROY;
	assert_int_equal(sysctl(), -ENOENT);
	p->cpupool_id = 0;
	assert_int_equal(sysctl(), -EBUSY);
	p->op = 99;
	assert_int_equal(sysctl(), -ENOSYS);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_domctl),  TEST(every_sysctl),
		TEST(any_arguments), TEST(getdomaininfo),
		TEST(pausing),       TEST(destroying),
		TEST(creating),      TEST(properties),
		TEST(scheduler),     TEST(vcpu_info_and_context),
		TEST(affinity),      TEST(rights),
		TEST(frames),        TEST(state_of_vcpus),
		TEST(machine),       TEST(lists),
		TEST(pools),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
