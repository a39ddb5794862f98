/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Domains: making, finding, stopping, ending. The states are in hv/domain.h.
 *
 * The list of domains is in the order of their ids and changes under
 * domains_lock. domctl calls are serialised by their own lock, so a domain is
 * made and killed by one caller at a time.
 */
#include <hv/audit.h>
#include <hv/domain.h>
#include <hv/evtchn.h>
#include <hv/grant.h>
#include <hv/hypercall.h>
#include <hv/irq.h>
#include <hv/lib.h>
#include <hv/machine.h>
#include <hv/page_type.h>
#include <hv/time.h>
#include <public/sched.h>
#include <arch/page.h>

struct list_head domain_list = LIST_HEAD_INIT(domain_list);
struct spinlock domains_lock = SPINLOCK_INIT(RANK_NONE);
struct domain *hardware_domain;
struct domain *idle_domain;

/* Owns what is the hypervisor's and may be mapped by a privileged domain: the M2P. */
static struct domain xen_domain = {.id = DOMID_XEN, .refcount = 1};

static struct domain *by_id[MAX_DOMAINS];
static unsigned int nr_domains;

/* ---- references and lookup --------------------------------------------------------------- */

bool domain_get(struct domain *d)
{
	uint32_t n = READ_ONCE(d->refcount);

	do {
		if (!n)
			return false;
	} while (!__atomic_compare_exchange_n(&d->refcount, &n, n + 1, false, __ATOMIC_SEQ_CST,
					      __ATOMIC_RELAXED));
	return true;
}

static void free_domain(struct domain *d)
{
	struct vcpu *v;

	sched_fini_domain(d); /* its timer looks at the vCPUs */
	for_each_vcpu (d, v) {
		sched_fini_vcpu(v);
		arch_vcpu_destroy(v);
		hv_free(v);
	}
	evtchn_fini(d);
	grant_table_fini(d);
	pirq_fini_domain(d);
	arch_domain_destroy(d);
	hv_free(d->vcpu);
	hv_free(d->page_blocks);
	hv_free(d);
}

void domain_put(struct domain *d)
{
	if (!__atomic_sub_fetch(&d->refcount, 1, __ATOMIC_SEQ_CST))
		free_domain(d);
}

static struct domain *find(domid_t id, bool or_higher)
{
	struct domain *d, *found = NULL;

	spin_lock(&domains_lock);
	for_each_domain (d) {
		if (d->id == id || (or_higher && d->id > id)) {
			if (domain_get(d))
				found = d;
			break;
		}
	}
	spin_unlock(&domains_lock);
	return found;
}

struct domain *domain_get_by_id(domid_t id)
{
	if (id == DOMID_SELF) {
		struct domain *d = current->domain;

		return domain_get(d) ? d : NULL;
	}
	return find(id, false);
}

struct domain *domain_get_from_id(domid_t id)
{
	return find(id, true);
}

int domain_get_foreign(domid_t id, struct domain **ret_d)
{
	struct domain *own = current->domain, *d;

	if (id == own->id || id == DOMID_SELF || id == DOMID_IO)
		d = domain_get_by_id(DOMID_SELF);
	else if (id == DOMID_XEN)
		d = domain_get(&xen_domain) ? &xen_domain : NULL;
	else
		d = find(id, false);
	if (!d)
		return -ESRCH;
	if (!is_control_domain(own) && id != own->id && id != DOMID_SELF) {
		domain_put(d);
		return -EPERM;
	}
	*ret_d = d;
	return 0;
}

struct domain *page_get_owner(const struct page_info *pg)
{
	domid_t id = page_owner_id(pg);

	/* Ids are handed out in turn, so a slot's domain may be another: look. */
	struct domain *d = READ_ONCE(by_id[id % MAX_DOMAINS]);

	return d && d->id == id ? d : NULL;
}

struct vcpu *domain_vcpu(const struct domain *d, unsigned int id)
{
	return id < d->max_vcpus ? d->vcpu[index_nospec(id, d->max_vcpus)] : NULL;
}

/* ---- making --------------------------------------------------------------------------------- */

static void insert(struct domain *d)
{
	struct domain *pos;

	spin_lock(&domains_lock);
	for_each_domain (pos) {
		if (pos->id > d->id)
			break;
	}
	list_add_tail(&d->list, &pos->list);
	nr_domains++;
	spin_unlock(&domains_lock);
}

/* Out of every lookup; drops the reference that being there was. */
static void domain_unlink(struct domain *d)
{
	spin_lock(&domains_lock);
	list_del(&d->list);
	nr_domains--;
	spin_unlock(&domains_lock);
	domain_put(d);
}

static int init_memory(struct domain *d)
{
	d->page_blocks = hv_zalloc_array(BITS_TO_LONGS((max_page >> 9) + 1), sizeof(long));
	d->shared_info = d->page_blocks ? hyp_page_alloc() : NULL;
	if (!d->shared_info)
		return -ENOMEM;
	page_share(d->shared_info, d, true);
	return 0;
}

static struct domain *alloc_domain(domid_t id, bool privileged, unsigned int max_vcpus)
{
	struct domain *d = hv_zalloc(sizeof(*d));

	if (!d)
		return NULL;
	d->id = id;
	d->is_privileged = d->is_hardware = privileged;
	d->refcount = 1;
	d->pause_count = 1; /* its maker's, until it is unpaused */
	d->tool_paused = 1;
	d->max_vcpus = max_vcpus;
	list_init(&d->list);
	spin_lock_init(&d->lock, RANK_DOMAIN);
	spin_lock_init(&d->page_lock, RANK_PAGE_LIST);
	spin_lock_init(&d->pt_lock, RANK_PT);
	spin_lock_init(&d->evtchn_lock, RANK_EVTCHN);
	spin_lock_init(&d->pirq_lock, RANK_PHYSDEV);
	d->vcpu = hv_zalloc_array(max_vcpus, sizeof(*d->vcpu));
	if (!d->vcpu) {
		hv_free(d);
		return NULL;
	}
	return d;
}

/*
 * After a failure half way: pages that were lent go back first, because each keeps
 * a reference on the domain.
 */
static void undo_create(struct domain *d)
{
	if (d->grant_table)
		grant_table_destroy(d);
	if (d->shared_info) {
		page_unshare_free(d->shared_info);
		d->shared_info = NULL;
	}
	by_id[d->id % MAX_DOMAINS] = NULL;
	domain_put(d);
}

int domain_create(domid_t id, const struct xen_domctl_createdomain *config, bool privileged,
		  struct domain **ret_d)
{
	struct domain *d;
	int rc;

	if (!config->max_vcpus || config->max_vcpus > MAX_VCPUS)
		return (int)hv_err(-EINVAL, "%u vCPUs, the limit is %u", config->max_vcpus,
				   MAX_VCPUS);
	if (READ_ONCE(by_id[id % MAX_DOMAINS]))
		return -EEXIST;
	d = alloc_domain(id, privileged, config->max_vcpus);
	if (!d)
		return -ENOMEM;
	memcpy(d->handle, config->handle, sizeof(d->handle));
	by_id[id % MAX_DOMAINS] = d;
	rc = init_memory(d);
	if (!rc)
		rc = arch_domain_create(d, config);
	if (!rc)
		rc = evtchn_init(d, config->max_evtchn_port);
	if (!rc)
		rc = grant_table_create(d, config->max_grant_frames, config->max_maptrack_frames,
					config->grant_opts & XEN_DOMCTL_GRANT_version_mask);
	if (!rc)
		rc = pirq_init_domain(d);
	if (!rc)
		rc = sched_init_domain(d);
	if (rc) {
		undo_create(d);
		return rc;
	}
	d->created = true;
	time_update_wallclock(d);
	insert(d);
	*ret_d = d;
	return 0;
}

/* ---- stopping ---------------------------------------------------------------------------------- */

void domain_notify_change(void)
{
	evtchn_send_global_virq(VIRQ_DOM_EXC);
}

static __noreturn void hardware_domain_shutdown(uint8_t reason)
{
	switch (reason) {
	case SHUTDOWN_poweroff:
		pr_info("The control domain powers the machine off\n");
		machine_poweroff();
	case SHUTDOWN_crash:
		pr_err("The control domain has crashed\n");
		machine_after_crash();
	default:
		pr_info("The control domain restarts the machine\n");
		machine_reboot();
	}
}

void domain_shutdown(struct domain *d, uint8_t reason)
{
	if (d == hardware_domain)
		hardware_domain_shutdown(reason);
	spin_lock(&d->lock);
	if (d->is_shut_down) {
		spin_unlock(&d->lock);
		return;
	}
	d->is_shut_down = true;
	d->shutdown_code = reason;
	spin_unlock(&d->lock);
	/* Its vCPUs stand still until it is destroyed or resumed. */
	domain_pause_nosync(d);
	domain_notify_change();
}

void domain_resume(struct domain *d)
{
	bool was;

	spin_lock(&d->lock);
	was = d->is_shut_down;
	d->is_shut_down = false;
	spin_unlock(&d->lock);
	if (was)
		domain_unpause(d);
}

void domain_crash(struct domain *d, const char *fmt, ...)
{
	char why[160];
	va_list ap;

	va_start(ap, fmt);
	hv_vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	if (d->is_shut_down)
		return;
	pr_err("Domain %u crashes: %s\n", d->id, why);
	if (current->domain == d)
		arch_vcpu_dump(current);
	domain_shutdown(d, SHUTDOWN_crash);
}

/* ---- the end -------------------------------------------------------------------------------------- */

static void stop_timers(struct domain *d)
{
	struct vcpu *v;

	for_each_vcpu (d, v) {
		timer_kill(&v->periodic_timer);
		timer_kill(&v->singleshot_timer);
		timer_kill(&v->poll_timer);
	}
}

static void release_vcpu_infos(struct domain *d)
{
	struct vcpu *v;

	for_each_vcpu (d, v)
		vcpu_release_info(v);
}

/* Who writes the time of day into all of them holds the lock of the list. */
static void release_shared_info(struct domain *d)
{
	struct shared_info *s = d->shared_info;

	spin_lock(&domains_lock);
	d->shared_info = NULL;
	spin_unlock(&domains_lock);
	page_unshare_free(s);
}

/* Each stage may stop and is then entered again. */
static int destroy_some(struct domain *d)
{
	int rc = 0;

	switch (d->destroy_stage) {
	case 0:
		memory_drop_claim(d);
		stop_timers(d);
		evtchn_clear_global_virq_handlers(d);
		pirq_release_all(d);
		d->destroy_stage++;
		fallthrough;
	case 1:
		rc = evtchn_destroy(d);
		if (rc)
			break;
		release_vcpu_infos(d);
		d->destroy_stage++;
		fallthrough;
	case 2:
		rc = arch_domain_relinquish(d);
		if (rc)
			break;
		d->destroy_stage++;
		fallthrough;
	case 3:
		/* A granter sees its grant unused only when no page table maps it. */
		rc = grant_table_release_mappings(d);
		if (rc)
			break;
		d->destroy_stage++;
		fallthrough;
	case 4:
		grant_table_destroy(d);
		release_shared_info(d);
		d->destroy_stage++;
		fallthrough;
	default:
		break;
	}
	return rc;
}

/*
 * A dead domain may still have frames that others map. It stays findable (as
 * dying) until the last of them is back, so that tools see it go.
 */
void domain_check_gone(struct domain *d)
{
	bool gone;

	if (likely(READ_ONCE(d->dying) != DOMDYING_dead))
		return;
	spin_lock(&d->page_lock);
	gone = d->dying == DOMDYING_dead && !d->tot_pages && !d->hyp_pages && !d->gone;
	if (gone)
		d->gone = true;
	spin_unlock(&d->page_lock);
	if (!gone)
		return;
	by_id[d->id % MAX_DOMAINS] = NULL;
	domain_unlink(d);
	domain_notify_change();
	audit_after_death();
}

int domain_kill(struct domain *d)
{
	int rc;

	if (d == hardware_domain || d == current->domain)
		return -EINVAL;
	if (d->dying == DOMDYING_dead)
		return 0;
	if (d->dying == DOMDYING_alive) {
		spin_lock(&d->lock);
		spin_lock(&d->page_lock); /* who is just giving it frames does that first */
		d->dying = DOMDYING_dying;
		spin_unlock(&d->page_lock);
		spin_unlock(&d->lock);
		domain_pause(d);
		domain_notify_change();
	}
	rc = destroy_some(d);
	if (rc)
		return rc;
	/* Frames that come back after this look whether they were the last. */
	spin_lock(&d->page_lock);
	d->dying = DOMDYING_dead;
	spin_unlock(&d->page_lock);
	domain_notify_change();
	domain_check_gone(d);
	return 0;
}

void __init domains_init(void)
{
	idle_domain = alloc_domain(DOMID_IDLE_HV, false, MAX_CPUS);
	if (!idle_domain)
		panic("No memory for the idle domain");
	idle_domain->pause_count = 0;
}
