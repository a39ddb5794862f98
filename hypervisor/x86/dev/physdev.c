/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The physdev_op hypercall: a table says of each sub-operation its argument, who
 * may call it, and whether the argument is copied back. Handlers get a copy.
 */
#include <hv/domain.h>
#include <hv/guest_access.h>
#include <hv/hypercall.h>
#include <hv/irq.h>
#include <hv/lib.h>
#include <arch/irq.h>
#include <arch/pci.h>

union physdev_arg {
	struct physdev_eoi eoi;
	struct physdev_pirq_eoi_gmfn pirq_eoi_gmfn;
	struct physdev_irq_status_query irq_status_query;
	struct physdev_set_iopl set_iopl;
	struct physdev_set_iobitmap set_iobitmap;
	struct physdev_apic apic;
	struct physdev_irq irq;
	struct physdev_map_pirq map_pirq;
	struct physdev_unmap_pirq unmap_pirq;
	struct physdev_manage_pci manage_pci;
	struct physdev_manage_pci_ext manage_pci_ext;
	struct physdev_restore_msi restore_msi;
	struct physdev_setup_gsi setup_gsi;
	struct physdev_get_free_pirq get_free_pirq;
	struct physdev_pci_mmcfg_reserved pci_mmcfg_reserved;
	struct physdev_pci_device_add pci_device_add;
	struct physdev_pci_device pci_device;
	struct physdev_dbgp_op dbgp_op;
};

#define NR_PORTS 65536

/* ---- a domain's own ------------------------------------------------------------ */

static int op_eoi(struct domain *d, union physdev_arg *arg)
{
	return pirq_eoi(d, arg->eoi.irq);
}

static int op_irq_status_query(struct domain *d, union physdev_arg *arg)
{
	return pirq_status(d, arg->irq_status_query.irq, &arg->irq_status_query.flags);
}

static int op_pirq_eoi_gmfn_v1(struct domain *d, union physdev_arg *arg)
{
	return pirq_set_eoi_page(d, arg->pirq_eoi_gmfn.gmfn, 1);
}

static int op_pirq_eoi_gmfn_v2(struct domain *d, union physdev_arg *arg)
{
	return pirq_set_eoi_page(d, arg->pirq_eoi_gmfn.gmfn, 2);
}

static int op_set_iopl(struct domain *d, union physdev_arg *arg)
{
	if (arg->set_iopl.iopl > 3)
		return -EINVAL;
	current->arch.iopl = arg->set_iopl.iopl;
	return 0;
}

static int op_set_iobitmap(struct domain *d, union physdev_arg *arg)
{
	if (arg->set_iobitmap.nr_ports > NR_PORTS ||
	    !guest_range_ok(arg->set_iobitmap.bitmap.a, (arg->set_iobitmap.nr_ports + 7) / 8))
		return -EINVAL;
	current->arch.io_bitmap = arg->set_iobitmap.bitmap.a;
	current->arch.io_bitmap_ports = arg->set_iobitmap.nr_ports;
	return 0;
}

/* ---- interrupts ------------------------------------------------------------------- */

static int op_apic_read(struct domain *d, union physdev_arg *arg)
{
	return ioapic_peek(arg->apic.apic_physbase, arg->apic.reg, &arg->apic.value);
}

static int op_apic_write(struct domain *d, union physdev_arg *arg)
{
	return (int)hv_err(-EPERM, "IO-APIC register %#x is set up by setup_gsi", arg->apic.reg);
}

static int op_alloc_irq_vector(struct domain *d, union physdev_arg *arg)
{
	struct irq_desc *desc = irq_gsi_desc(arg->irq.irq);
	int rc;

	if (!desc)
		return (int)hv_err(-EINVAL, "there is no GSI %u", arg->irq.irq);
	rc = irq_assign_vector(desc);
	if (!rc)
		arg->irq.vector = desc->vector;
	return rc;
}

/* Vectors of GSIs stay with them. */
static int op_free_irq_vector(struct domain *d, union physdev_arg *arg)
{
	return irq_gsi_desc(arg->irq.irq) ? 0 : -EINVAL;
}

static int op_setup_gsi(struct domain *d, union physdev_arg *arg)
{
	if (arg->setup_gsi.gsi < 0 || arg->setup_gsi.triggering > 1 || arg->setup_gsi.polarity > 1)
		return -EINVAL;
	return irq_set_mode((unsigned int)arg->setup_gsi.gsi, arg->setup_gsi.triggering,
			    arg->setup_gsi.polarity);
}

static int map_msi(struct domain *target, struct physdev_map_pirq *map, unsigned int *ret_pirq)
{
	unsigned int segment = map->type == MAP_PIRQ_TYPE_MSI ? 0 : (unsigned int)map->bus >> 16;

	/* Without an IOMMU nobody else may have devices that address memory. */
	if (!target->is_hardware)
		return (int)hv_err(-EPERM, "MSIs are the hardware domain's");
	if (map->type == MAP_PIRQ_TYPE_MULTI_MSI && map->entry_nr != 1)
		return (int)hv_err(-EOPNOTSUPP, "%d messages asked for, 1 is possible",
				   map->entry_nr);
	if (map->bus < 0 || map->devfn < 0 || map->devfn > 255 || map->entry_nr < 0)
		return -EINVAL;
	return pirq_map_msi(target, PCI_SBDF(segment, map->bus, map->devfn), map->table_base != 0,
			    (unsigned int)map->entry_nr, map->table_base, map->pirq, ret_pirq);
}

static int map_pirq(struct domain *d, struct domain *target, struct physdev_map_pirq *map)
{
	unsigned int pirq = 0;
	int rc;

	switch (map->type) {
	case MAP_PIRQ_TYPE_GSI:
		if (map->index < 0)
			return -EINVAL;
		if (!irq_access_ok(d, (unsigned int)map->index) ||
		    !irq_access_ok(target, (unsigned int)map->index))
			return (int)hv_err(-EPERM, "d%u may not use GSI %d", target->id,
					   map->index);
		rc = pirq_map_gsi(target, (unsigned int)map->index, map->pirq, &pirq);
		break;
	case MAP_PIRQ_TYPE_MSI:
	case MAP_PIRQ_TYPE_MSI_SEG:
	case MAP_PIRQ_TYPE_MULTI_MSI:
		rc = map_msi(target, map, &pirq);
		break;
	default:
		rc = (int)hv_err(-EINVAL, "pirq type %d", map->type);
		break;
	}
	if (!rc)
		map->pirq = (int)pirq;
	return rc;
}

static int op_map_pirq(struct domain *d, union physdev_arg *arg)
{
	struct domain *target = domain_get_by_id(arg->map_pirq.domid);
	int rc;

	if (!target)
		return -ESRCH;
	rc = map_pirq(d, target, &arg->map_pirq);
	domain_put(target);
	return rc;
}

static int op_unmap_pirq(struct domain *d, union physdev_arg *arg)
{
	struct domain *target = domain_get_by_id(arg->unmap_pirq.domid);
	int rc = -EINVAL;

	if (!target)
		return -ESRCH;
	if (arg->unmap_pirq.pirq >= 0)
		rc = pirq_unmap(target, (unsigned int)arg->unmap_pirq.pirq);
	domain_put(target);
	return rc;
}

static int op_get_free_pirq(struct domain *d, union physdev_arg *arg)
{
	if (arg->get_free_pirq.type != MAP_PIRQ_TYPE_MSI &&
	    arg->get_free_pirq.type != MAP_PIRQ_TYPE_GSI)
		return -EINVAL;
	return pirq_get_free(d, &arg->get_free_pirq.pirq);
}

/* ---- PCI devices --------------------------------------------------------------------- */

static uint32_t sbdf_of(const struct physdev_pci_device *dev)
{
	return PCI_SBDF(dev->seg, dev->bus, dev->devfn);
}

static int op_manage_pci_add(struct domain *d, union physdev_arg *arg)
{
	return pci_device_add(PCI_SBDF(0, arg->manage_pci.bus, arg->manage_pci.devfn), false);
}

static int op_manage_pci_remove(struct domain *d, union physdev_arg *arg)
{
	return pci_device_remove(PCI_SBDF(0, arg->manage_pci.bus, arg->manage_pci.devfn));
}

static int op_manage_pci_add_ext(struct domain *d, union physdev_arg *arg)
{
	return pci_device_add(PCI_SBDF(0, arg->manage_pci_ext.bus, arg->manage_pci_ext.devfn),
			      arg->manage_pci_ext.is_virtfn);
}

static int op_pci_device_add(struct domain *d, union physdev_arg *arg)
{
	const struct physdev_pci_device_add *add = &arg->pci_device_add;

	return pci_device_add(PCI_SBDF(add->seg, add->bus, add->devfn),
			      add->flags & XEN_PCI_DEV_VIRTFN);
}

static int op_pci_device_remove(struct domain *d, union physdev_arg *arg)
{
	return pci_device_remove(sbdf_of(&arg->pci_device));
}

static int op_pci_mmcfg_reserved(struct domain *d, union physdev_arg *arg)
{
	const struct physdev_pci_mmcfg_reserved *m = &arg->pci_mmcfg_reserved;

	return pci_mmcfg_reserved(m->address, m->segment, m->start_bus, m->end_bus,
				  m->flags & XEN_PCI_MMCFG_RESERVED);
}

static int restore_msi(uint32_t sbdf)
{
	const struct pci_dev *dev;

	spin_lock(&pci_lock);
	dev = pci_device_find(sbdf);
	if (dev)
		irq_restore_device(dev);
	spin_unlock(&pci_lock);
	return dev ? 0 : -ENODEV;
}

static int op_restore_msi(struct domain *d, union physdev_arg *arg)
{
	return restore_msi(PCI_SBDF(0, arg->restore_msi.bus, arg->restore_msi.devfn));
}

static int op_restore_msi_ext(struct domain *d, union physdev_arg *arg)
{
	return restore_msi(sbdf_of(&arg->pci_device));
}

/* Before and after a device is lent to a guest: there must be an MSI-X table, at rest. */
static int op_msix_handover(struct domain *d, union physdev_arg *arg)
{
	const struct pci_dev *dev;
	int rc;

	spin_lock(&pci_lock);
	dev = pci_device_find(sbdf_of(&arg->pci_device));
	rc = !dev || !dev->msix_cap ? -ENODEV : dev->nr_irqs ? -EBUSY : 0;
	spin_unlock(&pci_lock);
	return rc;
}

/* ---- dispatch ------------------------------------------------------------------------- */

#define ANYBODY   1
#define COPY_BACK 2

struct physdev_op_info {
	int (*fn)(struct domain *d, union physdev_arg *arg); /* NULL: not implemented */
	uint8_t size, flags;
};

#define OP(op, member, fl) \
	[PHYSDEVOP_##op] = {op_##op, sizeof(((union physdev_arg *)0)->member), fl}
#define OP_FN(op, func, member) \
	[PHYSDEVOP_##op] = {func, sizeof(((union physdev_arg *)0)->member), 0}

static const struct physdev_op_info ops[] = {
	OP(eoi, eoi, ANYBODY),
	OP(irq_status_query, irq_status_query, ANYBODY | COPY_BACK),
	OP(pirq_eoi_gmfn_v1, pirq_eoi_gmfn, ANYBODY),
	OP(pirq_eoi_gmfn_v2, pirq_eoi_gmfn, ANYBODY),
	OP(set_iopl, set_iopl, ANYBODY),
	OP(set_iobitmap, set_iobitmap, ANYBODY),
	OP(apic_read, apic, COPY_BACK),
	OP(apic_write, apic, 0),
	OP(alloc_irq_vector, irq, COPY_BACK),
	OP(free_irq_vector, irq, 0),
	OP(map_pirq, map_pirq, COPY_BACK),
	OP(unmap_pirq, unmap_pirq, 0),
	OP(manage_pci_add, manage_pci, 0),
	OP(manage_pci_remove, manage_pci, 0),
	OP(manage_pci_add_ext, manage_pci_ext, 0),
	OP(restore_msi, restore_msi, 0),
	OP(setup_gsi, setup_gsi, 0),
	OP(get_free_pirq, get_free_pirq, COPY_BACK),
	OP(pci_mmcfg_reserved, pci_mmcfg_reserved, 0),
	OP(pci_device_add, pci_device_add, 0),
	OP(pci_device_remove, pci_device, 0),
	OP(restore_msi_ext, pci_device, 0),
	OP_FN(prepare_msix, op_msix_handover, pci_device),
	OP_FN(release_msix, op_msix_handover, pci_device),
};

long do_physdev_op(int cmd, uint64_t arg)
{
	struct domain *d = current->domain;
	const struct physdev_op_info *op;
	union physdev_arg a;
	long rc;

	if (cmd < 0 || cmd >= (int)ARRAY_SIZE(ops))
		return hypercall_no_subop(__HYPERVISOR_physdev_op, (unsigned int)cmd);
	op = &ops[index_nospec((unsigned int)cmd, ARRAY_SIZE(ops))];
	if (!op->fn)
		return hypercall_no_subop(__HYPERVISOR_physdev_op, (unsigned int)cmd);
	if (!(op->flags & ANYBODY) && !is_control_domain(d))
		return -EPERM;
	memset(&a, 0, sizeof(a));
	if (guest_copy_in(&a, arg, op->size))
		return -EFAULT;
	rc = op->fn(d, &a);
	if (!rc && (op->flags & COPY_BACK) && guest_copy_out(arg, &a, op->size))
		rc = -EFAULT;
	return rc;
}
