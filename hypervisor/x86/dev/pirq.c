/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Interrupt lines as a domain numbers them. A pirq below nr_gsis is the GSI of the
 * same number; MSIs get numbers from the top down. The table of a domain is made
 * when it maps its first line, so domains without devices have none.
 *
 *   pirq      entered by                          lines
 *   free      unmap and the port closed           -
 *   mapped    PHYSDEVOP_map_pirq                  known, quiet
 *   bound     EVTCHNOP_bind_pirq                  raises the port
 *   orphaned  unmapped while bound                none; free when the port closes
 *
 * Locks: d->pirq_lock for mapping and unmapping; map.bind_lock (RANK_PIRQ) for
 * desc and port of each pirq, so that binding, which comes with evtchn_lock held,
 * needs no lock that ranks before it. pirq_eoi takes neither.
 */
#include <hv/domain.h>
#include <hv/evtchn.h>
#include <hv/irq.h>
#include <hv/lib.h>
#include <hv/page_type.h>
#include <arch/irq.h>
#include <arch/page.h>
#include <arch/pci.h>

struct pirq {
	struct irq_desc *desc; /* NULL: not mapped */
	uint32_t port; /* 0: not bound */
};

struct pirq_map {
	struct spinlock bind_lock;
	unsigned int nr;
	struct pirq p[];
};

int pirq_init_domain(struct domain *d)
{
	spin_lock_init(&d->pirq_lock, RANK_PHYSDEV);
	d->pirqs = NULL;
	return 0;
}

/* Under pirq_lock. */
static struct pirq_map *map_get(struct domain *d)
{
	struct pirq_map *map = d->pirqs;
	unsigned int nr = nr_gsis + MAX_MSI_IRQS;

	if (map || d->dying)
		return d->dying ? NULL : map;
	map = hv_zalloc(sizeof(*map) + nr * sizeof(map->p[0]));
	if (!map)
		return NULL;
	spin_lock_init(&map->bind_lock, RANK_PIRQ);
	map->nr = nr;
	__atomic_store_n(&d->pirqs, map, __ATOMIC_RELEASE);
	return map;
}

/* The pirq, or NULL when there is none of that number. */
static struct pirq *pirq_of(struct domain *d, unsigned int pirq, struct pirq_map **ret_map)
{
	struct pirq_map *map = __atomic_load_n(&d->pirqs, __ATOMIC_ACQUIRE);

	if (!map || pirq >= map->nr)
		return NULL;
	*ret_map = map;
	return &map->p[index_nospec(pirq, map->nr)];
}

/* ---- mapping ------------------------------------------------------------------ */

/* A free pirq outside of the GSIs, the highest. Under pirq_lock. */
static int find_free(const struct pirq_map *map)
{
	for (unsigned int i = map->nr; i-- > nr_gsis;) {
		if (!map->p[i].desc && !map->p[i].port)
			return (int)i;
	}
	return -ENOSPC;
}

/* Under pirq_lock. */
static int set_desc(struct pirq_map *map, unsigned int pirq, struct irq_desc *desc)
{
	struct pirq *p = &map->p[pirq];
	int rc = 0;

	spin_lock(&map->bind_lock);
	if (p->desc == desc)
		rc = 0;
	else if (p->desc || p->port)
		rc = -EEXIST;
	else
		p->desc = desc;
	spin_unlock(&map->bind_lock);
	return rc;
}

int pirq_map_gsi(struct domain *d, unsigned int gsi, int pirq, unsigned int *ret_pirq)
{
	struct irq_desc *desc = irq_gsi_desc(gsi);
	struct pirq_map *map;
	int rc;

	if (!desc)
		return (int)hv_err(-EINVAL, "there is no GSI %u", gsi);
	if (pirq >= 0 && (unsigned int)pirq != gsi)
		return (int)hv_err(-EINVAL, "GSI %u has that pirq, not %d", gsi, pirq);
	if (READ_ONCE(desc->fn))
		return (int)hv_err(-EPERM, "GSI %u is the hypervisor's own", gsi);
	spin_lock(&d->pirq_lock);
	map = map_get(d);
	rc = map ? set_desc(map, gsi, desc) : -ENOMEM;
	spin_unlock(&d->pirq_lock);
	*ret_pirq = gsi;
	return rc;
}

/* Under pirq_lock. */
static int attach_new(struct pirq_map *map, unsigned int pirq, uint32_t sbdf, bool is_msix,
		      unsigned int entry, paddr_t table_base)
{
	struct irq_desc *desc = irq_msi_desc_alloc();
	struct pci_dev *dev;
	int rc;

	if (!desc)
		return -ENOSPC;
	spin_lock(&pci_lock);
	dev = pci_device_find(sbdf);
	rc = dev ? msi_attach(dev, desc, is_msix, entry, table_base) : -ENODEV;
	if (!rc) {
		rc = set_desc(map, pirq, desc);
		if (rc)
			msi_detach(desc);
	}
	spin_unlock(&pci_lock);
	if (rc)
		irq_msi_desc_free(desc);
	return rc;
}

int pirq_map_msi(struct domain *d, uint32_t sbdf, bool is_msix, unsigned int entry,
		 paddr_t table_base, int pirq, unsigned int *ret_pirq)
{
	struct pirq_map *map;
	int rc = -ENOMEM, nr;

	spin_lock(&d->pirq_lock);
	map = map_get(d);
	if (!map)
		goto out;
	nr = pirq < 0 ? find_free(map) : pirq;
	if (nr < 0)
		rc = nr;
	else if ((unsigned int)nr < nr_gsis || (unsigned int)nr >= map->nr)
		rc = (int)hv_err(-EINVAL, "pirq %d can't be an MSI", nr);
	else
		rc = attach_new(map, (unsigned int)nr, sbdf, is_msix, entry, table_base);
	if (!rc)
		*ret_pirq = (unsigned int)nr;
out:
	spin_unlock(&d->pirq_lock);
	return rc;
}

int pirq_get_free(struct domain *d, unsigned int *ret_pirq)
{
	struct pirq_map *map;
	int rc;

	spin_lock(&d->pirq_lock);
	map = map_get(d);
	rc = map ? find_free(map) : -ENOMEM;
	spin_unlock(&d->pirq_lock);
	if (rc < 0)
		return rc;
	*ret_pirq = (unsigned int)rc;
	return 0;
}

/* Under pirq_lock. The line, quiet and this pirq's no more; NULL: wasn't mapped. */
static struct irq_desc *unmap_locked(struct domain *d, struct pirq_map *map, unsigned int pirq)
{
	struct pirq *p = &map->p[pirq];
	struct irq_desc *desc;

	spin_lock(&map->bind_lock);
	desc = p->desc;
	if (desc)
		irq_unbind(desc, d, pirq);
	p->desc = NULL;
	spin_unlock(&map->bind_lock);
	if (desc && desc->kind != IRQ_GSI) {
		spin_lock(&pci_lock);
		msi_detach(desc);
		spin_unlock(&pci_lock);
		irq_msi_desc_free(desc);
	}
	return desc;
}

int pirq_unmap(struct domain *d, unsigned int pirq)
{
	struct pirq_map *map;
	struct irq_desc *desc = NULL;

	spin_lock(&d->pirq_lock);
	if (pirq_of(d, pirq, &map))
		desc = unmap_locked(d, map, pirq);
	spin_unlock(&d->pirq_lock);
	return desc ? 0 : (int)hv_err(-EINVAL, "pirq %u isn't mapped", pirq);
}

/* ---- binding, on behalf of event channels --------------------------------------- */

/* Under bind_lock: what the guest's bitmap says of the pirq. */
static void eoi_bit_update(struct domain *d, unsigned int pirq, const struct irq_desc *desc)
{
	if (!d->arch.pirq_eoi_map)
		return;
	if (desc && desc->level)
		set_bit(pirq, d->arch.pirq_eoi_map);
	else
		clear_bit(pirq, d->arch.pirq_eoi_map);
}

int pirq_bind(struct domain *d, unsigned int pirq, uint32_t port, bool share)
{
	struct pirq_map *map;
	struct pirq *p = pirq_of(d, pirq, &map);
	int rc;

	/* A line has one domain; it may be shared inside of that at will. */
	if (!p)
		return (int)hv_err(d->pirqs ? -EINVAL : -EPERM, "pirq %u isn't mapped", pirq);
	spin_lock(&map->bind_lock);
	if (p->port) {
		rc = -EEXIST;
	} else if (!p->desc) {
		rc = d->is_hardware ? -EINVAL : -EPERM; /* to others it isn't permitted */
	} else {
		rc = irq_bind(p->desc, d, pirq, port);
		if (!rc) {
			p->port = port;
			eoi_bit_update(d, pirq, p->desc);
		}
	}
	spin_unlock(&map->bind_lock);
	return rc;
}

void pirq_unbind(struct domain *d, unsigned int pirq)
{
	struct pirq_map *map;
	struct pirq *p = pirq_of(d, pirq, &map);

	if (!p)
		return;
	spin_lock(&map->bind_lock);
	if (p->port && p->desc)
		irq_unbind(p->desc, d, pirq);
	p->port = 0;
	eoi_bit_update(d, pirq, NULL);
	spin_unlock(&map->bind_lock);
}

void pirq_set_vcpu(struct domain *d, unsigned int pirq, struct vcpu *v)
{
	struct pirq_map *map;
	struct pirq *p = pirq_of(d, pirq, &map);

	if (!p)
		return;
	spin_lock(&map->bind_lock);
	if (p->desc)
		irq_set_vcpu(p->desc, d, pirq, v);
	spin_unlock(&map->bind_lock);
}

/* ---- end of interrupt ------------------------------------------------------------ */

int pirq_eoi(struct domain *d, unsigned int pirq)
{
	struct pirq_map *map;
	struct pirq *p = pirq_of(d, pirq, &map);
	struct irq_desc *desc = p ? READ_ONCE(p->desc) : NULL;
	uint32_t port;

	if (!desc)
		return (int)hv_err(-EINVAL, "pirq %u isn't mapped", pirq);
	port = READ_ONCE(p->port);
	if (d->arch.pirq_eoi_v == 1 && port)
		evtchn_unmask(d, port);
	/* Descriptors are never freed: at worst it isn't ours any more. */
	irq_eoi(desc, d, pirq);
	return 0;
}

int pirq_status(struct domain *d, unsigned int pirq, uint32_t *ret_flags)
{
	struct pirq_map *map;
	struct pirq *p = pirq_of(d, pirq, &map);
	struct irq_desc *desc = p ? READ_ONCE(p->desc) : NULL;

	*ret_flags = 0;
	if (!p)
		return -EINVAL;
	if (desc && READ_ONCE(desc->level))
		*ret_flags |= XENIRQSTAT_needs_eoi;
	return 0;
}

int pirq_set_eoi_page(struct domain *d, unsigned long mfn, unsigned int version)
{
	struct pirq_map *map;
	struct page_info *pg;
	int rc;

	if (!mfn_valid(_mfn(mfn)))
		return -EINVAL;
	pg = mfn_to_page(_mfn(mfn));
	rc = page_get_and_type(pg, d, PGT_writable);
	if (rc)
		return rc == -EBUSY ? -EINVAL : rc;
	spin_lock(&d->pirq_lock);
	map = map_get(d);
	if (!map || d->arch.pirq_eoi_page) {
		rc = map ? -EBUSY : -ENOMEM;
		spin_unlock(&d->pirq_lock);
		page_put_and_type_simple(pg);
		return rc;
	}
	spin_lock(&map->bind_lock);
	d->arch.pirq_eoi_page = pg;
	d->arch.pirq_eoi_v = version;
	d->arch.pirq_eoi_map = page_to_virt(pg);
	memset(d->arch.pirq_eoi_map, 0, PAGE_SIZE);
	for (unsigned int i = 0; i < map->nr; i++)
		eoi_bit_update(d, i, map->p[i].port ? map->p[i].desc : NULL);
	spin_unlock(&map->bind_lock);
	spin_unlock(&d->pirq_lock);
	return 0;
}

_Static_assert(MAX_GSIS + MAX_MSI_IRQS <= PAGE_SIZE * 8, "a page has a bit for each pirq");

/* ---- the domain's end -------------------------------------------------------------- */

static void release_eoi_page(struct domain *d, struct pirq_map *map)
{
	struct page_info *pg;

	spin_lock(&map->bind_lock);
	pg = d->arch.pirq_eoi_page;
	d->arch.pirq_eoi_page = NULL;
	d->arch.pirq_eoi_map = NULL;
	d->arch.pirq_eoi_v = 0;
	spin_unlock(&map->bind_lock);
	if (pg)
		page_put_and_type_simple(pg);
}

void pirq_release_all(struct domain *d)
{
	struct pirq_map *map;

	spin_lock(&d->pirq_lock);
	map = d->pirqs;
	for (unsigned int i = 0; map && i < map->nr; i++) {
		struct irq_desc *desc = unmap_locked(d, map, i);

		/* An interrupt that had begun still looks at the domain. */
		if (desc)
			irq_sync(desc);
	}
	if (map)
		release_eoi_page(d, map);
	spin_unlock(&d->pirq_lock);
}

void pirq_fini_domain(struct domain *d)
{
	hv_free(d->pirqs);
	d->pirqs = NULL;
}
