/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* Domains as a test makes them: found by id, counted, and nothing more. */
#include <hv/domain.h>
#include <hv/evtchn.h>
#include <hv/grant.h>
#include <hv/lib.h>
#include <hv/page_type.h>
#include <arch/page.h>

#define MAX_IDS 64

struct domain *hardware_domain, *idle_domain;
struct list_head domain_list = LIST_HEAD_INIT(domain_list);
struct spinlock domains_lock = SPINLOCK_INIT(RANK_NONE);
static struct domain *by_id[MAX_IDS];

bool domain_get(struct domain *d)
{
	/* Never the first or the last: these are ht_domain_new's and ht_domain_free's. */
	BUG_ON(!__atomic_fetch_add(&d->refcount, 1, __ATOMIC_SEQ_CST));
	return true;
}

void domain_put(struct domain *d)
{
	BUG_ON(__atomic_fetch_sub(&d->refcount, 1, __ATOMIC_SEQ_CST) < 2);
}

struct domain *domain_get_by_id(domid_t id)
{
	struct domain *d;

	if (id == DOMID_SELF)
		d = current->domain;
	else
		d = id < MAX_IDS ? by_id[id] : NULL;
	return d && domain_get(d) ? d : NULL;
}

int domain_get_foreign(domid_t id, struct domain **ret_d)
{
	struct domain *own = current->domain;
	struct domain *d = domain_get_by_id(id == DOMID_IO ? DOMID_SELF : id);

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

	return id < MAX_IDS ? by_id[id] : NULL;
}

void domain_check_gone(struct domain *d)
{
}

struct vcpu *domain_vcpu(const struct domain *d, unsigned int id)
{
	return id < d->max_vcpus ? d->vcpu[index_nospec(id, d->max_vcpus)] : NULL;
}

static void init_locks(struct domain *d)
{
	spin_lock_init(&d->lock, RANK_DOMAIN);
	spin_lock_init(&d->page_lock, RANK_PAGE_LIST);
	spin_lock_init(&d->pt_lock, RANK_PT);
	spin_lock_init(&d->evtchn_lock, RANK_EVTCHN);
	spin_lock_init(&d->pirq_lock, RANK_PHYSDEV);
	list_init(&d->list);
}

struct domain *ht_domain_new(unsigned int id, unsigned int vcpus, unsigned int max_port)
{
	struct domain *d = hv_zalloc(sizeof(*d));

	BUG_ON(id >= MAX_IDS || by_id[id] || !d);
	d->id = (domid_t)id;
	d->is_privileged = d->is_hardware = id == 0;
	d->created = true;
	d->refcount = 1;
	d->max_vcpus = vcpus;
	d->max_pages = HT_FRAMES;
	init_locks(d);
	d->page_blocks = hv_zalloc_array(BITS_TO_LONGS((HT_FRAMES >> 9) + 1), sizeof(long));
	d->vcpu = hv_zalloc_array(vcpus, sizeof(*d->vcpu));
	by_id[id] = d;
	list_add_tail(&d->list, &domain_list);
	d->shared_info = hyp_page_alloc();
	page_share(d->shared_info, d, true);
	for (unsigned int i = 0; i < vcpus; i++) {
		struct vcpu *v = hv_zalloc(sizeof(*v));

		v->domain = d;
		v->id = i;
		v->vcpu_info = &d->shared_info->vcpu_info[i % XEN_LEGACY_MAX_VCPUS];
		d->vcpu[i] = v;
	}
	if (max_port && evtchn_init(d, max_port))
		BUG();
	if (!id)
		hardware_domain = d;
	return d;
}

void ht_run(struct domain *d, unsigned int vcpu)
{
	ht_current[ht_cpu] = d ? d->vcpu[vcpu] : NULL;
}

void ht_domain_dying(struct domain *d)
{
	d->dying = DOMDYING_dying;
}

mfn_t ht_domain_page(struct domain *d)
{
	struct page_info *pg = page_alloc(0, MEMF_zero);

	BUG_ON(!pg || page_assign(d, pg, 0));
	return page_to_mfn(pg);
}

void ht_domain_page_release(mfn_t mfn)
{
	BUG_ON(!page_release(mfn_to_page(mfn)));
}

static void release_memory(struct domain *d)
{
	struct page_info *pg;
	unsigned long pos;

	for_each_domain_page(pg, d, pos) page_release(pg);
}

void ht_domain_free(struct domain *d)
{
	struct vcpu *v;

	release_memory(d);
	page_unshare_free(d->shared_info);
	/* Everybody has given back what he had of it. */
	if (d->tot_pages || d->hyp_pages || d->refcount != 1 || d->evtchn_count)
		panic("d%u: %lu pages, %lu lent ones, %u references, %u ports are left", d->id,
		      d->tot_pages, d->hyp_pages, d->refcount - 1, d->evtchn_count);
	evtchn_fini(d);
	grant_table_fini(d);
	for_each_vcpu (d, v)
		hv_free(v);
	by_id[d->id] = NULL;
	list_del(&d->list);
	if (hardware_domain == d)
		hardware_domain = NULL;
	hv_free(d->vcpu);
	hv_free(d->page_blocks);
	hv_free(d);
}
