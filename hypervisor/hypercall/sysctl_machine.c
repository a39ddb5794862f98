/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * sysctl: what the machine is made of, and how much of it is in use. There is one
 * node with all memory and all CPUs.
 *
 * Lists are given out as far as the caller has room; without a list only how many
 * elements there are.
 */
#include <hv/domain.h>
#include <hv/guest_access.h>
#include <hv/lib.h>
#include <hv/softirq.h>
#include <hv/time.h>
#include <arch/pci.h>
#include <arch/topology.h>

#include "domctl.h"

#define NODE           0U
#define LOCAL_DISTANCE 10U

static uint64_t outstanding_claims(void)
{
	struct domain *d;
	uint64_t n = 0;

	spin_lock(&domains_lock);
	for_each_domain (d)
		n += READ_ONCE(d->claimed_pages);
	spin_unlock(&domains_lock);
	return n;
}

int sysctl_physinfo(struct xen_sysctl *op)
{
	struct xen_sysctl_physinfo *p = &op->u.physinfo;

	memset(p, 0, sizeof(*p));
	p->threads_per_core = topology_threads_per_core();
	p->cores_per_socket = topology_cores_per_socket();
	p->nr_cpus = cpumask_weight(cpu_online_map);
	p->max_cpu_id = nr_cpu_ids() - 1;
	p->nr_nodes = 1;
	p->max_node_id = NODE;
	p->cpu_khz = (uint32_t)time_tsc_khz;
	p->capabilities =
		XEN_SYSCTL_PHYSCAP_pv | XEN_SYSCTL_PHYSCAP_gnttab_v1 | XEN_SYSCTL_PHYSCAP_gnttab_v2;
	p->total_pages = total_pages;
	p->free_pages = page_free_count();
	p->outstanding_pages = outstanding_claims();
	p->max_mfn = max_page - 1;
	return arch_feature_words(p->hw_cap, ARRAY_SIZE(p->hw_cap));
}

int sysctl_availheap(struct xen_sysctl *op)
{
	struct xen_sysctl_availheap *a = &op->u.availheap;
	unsigned long pages = 0;

	if (a->node == -1 || a->node == (int32_t)NODE)
		pages = a->min_bitwidth || a->max_bitwidth
				? page_free_count_range(min(a->min_bitwidth, 63U), a->max_bitwidth)
				: page_free_count();
	a->avail_bytes = (uint64_t)pages << PAGE_SHIFT;
	return 0;
}

int sysctl_getcpuinfo(struct xen_sysctl *op)
{
	struct xen_sysctl_getcpuinfo *c = &op->u.getcpuinfo;
	uint32_t nr = min(c->max_cpus, nr_cpu_ids());

	for (uint32_t i = 0; i < nr; i++) {
		struct vcpu *idle = idle_domain->vcpu[i];
		xen_sysctl_cpuinfo_t info = {.idletime = idle ? vcpu_cpu_time(idle) : 0};

		if (guest_to(c->info, i, &info))
			return -EFAULT;
	}
	c->nr_cpus = nr;
	return 0;
}

int sysctl_cputopoinfo(struct xen_sysctl *op)
{
	struct xen_sysctl_cputopoinfo *t = &op->u.cputopoinfo;
	uint32_t nr = nr_cpu_ids();

	if (!guest_handle_is_null(t->cputopo)) {
		nr = min(nr, t->num_cpus);
		for (uint32_t i = 0; i < nr; i++) {
			xen_sysctl_cputopo_t c = {XEN_INVALID_CORE_ID, XEN_INVALID_SOCKET_ID,
						  XEN_INVALID_NODE_ID};

			if (cpumask_test(i, &cpu_online_map))
				c = (xen_sysctl_cputopo_t){topology_core(i), topology_socket(i),
							   NODE};
			if (guest_to(t->cputopo, i, &c))
				return -EFAULT;
		}
	}
	t->num_cpus = nr;
	return 0;
}

int sysctl_numainfo(struct xen_sysctl *op)
{
	struct xen_sysctl_numainfo *n = &op->u.numainfo;
	xen_sysctl_meminfo_t mem = {.memsize = (uint64_t)total_pages << PAGE_SHIFT,
				    .memfree = (uint64_t)page_free_count() << PAGE_SHIFT};
	uint32_t distance = LOCAL_DISTANCE;
	bool lists = !guest_handle_is_null(n->meminfo) || !guest_handle_is_null(n->distance);

	if (lists && !n->num_nodes)
		return 0;
	if (!guest_handle_is_null(n->meminfo) && guest_to(n->meminfo, 0, &mem))
		return -EFAULT;
	if (!guest_handle_is_null(n->distance) && guest_to(n->distance, 0, &distance))
		return -EFAULT;
	n->num_nodes = 1;
	return 0;
}

/* Each device is on the one node, if the control domain has announced it. */
static uint32_t node_of(const physdev_pci_device_t *dev)
{
	bool known;

	spin_lock(&pci_lock);
	known = pci_device_find(PCI_SBDF(dev->seg, dev->bus, dev->devfn));
	spin_unlock(&pci_lock);
	return known ? NODE : XEN_INVALID_DEV;
}

int sysctl_pcitopoinfo(struct xen_sysctl *op)
{
	struct xen_sysctl_pcitopoinfo *t = &op->u.pcitopoinfo;
	uint32_t nr = t->num_devs, i;

	if (guest_handle_is_null(t->devs) || guest_handle_is_null(t->nodes))
		return -EINVAL;
	for (i = 0; i < nr; i++) {
		physdev_pci_device_t dev;
		uint32_t node;

		/* The caller goes on where we stopped. */
		if (i && hypercall_preempt_check())
			break;
		if (guest_from(t->devs, i, &dev))
			return -EFAULT;
		node = node_of(&dev);
		if (guest_to(t->nodes, i, &node))
			return -EFAULT;
	}
	t->num_devs = i;
	return 0;
}
