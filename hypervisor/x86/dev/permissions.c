/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Who may use which I/O ports, MMIO frames and interrupt lines. A domain has a
 * set of each (d->arch.ioports, iomem, irqs): the hardware domain's start full,
 * all others' empty. What the hypervisor keeps for itself is in sets of its own
 * and is refused whatever a domain's set says.
 *
 * Locks: those of the sets; windows_lock round one of them.
 */
#include <hv/domain.h>
#include <hv/irq.h>
#include <hv/lib.h>
#include <hv/rangeset.h>
#include <arch/cpu.h>
#include <arch/irq.h>
#include <arch/pci.h>

#define LAST_PORT  0xffffU
#define LAST_FRAME ((1UL << (52 - PAGE_SHIFT)) - 1)

#define FRAME_4G (1UL << (32 - PAGE_SHIFT))

#define PCI_PORT_FIRST 0xcf8
#define PCI_PORT_LAST  0xcff

static struct rangeset ports_denied = RANGESET_INIT, frames_denied = RANGESET_INIT;
static struct rangeset frames_read_only = RANGESET_INIT;

/*
 * All read-only frames lie between these, below 4 GiB and above: every page table
 * entry that is written is looked up, and RAM should get by without a lock. They
 * only ever grow.
 */
static struct range read_only_windows[2] = {{~0UL, 0}, {~0UL, 0}};
static struct spinlock windows_lock = SPINLOCK_INIT(RANK_NONE);

static struct range *window_of(unsigned long frame)
{
	return &read_only_windows[frame >= FRAME_4G];
}

int permissions_init_domain(struct domain *d)
{
	int rc;

	d->arch.ioports = rangeset_new();
	d->arch.iomem = rangeset_new();
	d->arch.irqs = rangeset_new();
	if (!d->arch.ioports || !d->arch.iomem || !d->arch.irqs)
		return -ENOMEM;
	if (!d->is_hardware)
		return 0;
	rc = rangeset_add(d->arch.ioports, 0, LAST_PORT);
	if (!rc)
		rc = rangeset_add(d->arch.iomem, 0, LAST_FRAME);
	if (!rc)
		rc = rangeset_add(d->arch.irqs, 0, MAX_GSIS - 1);
	return rc;
}

void permissions_fini_domain(struct domain *d)
{
	rangeset_free(d->arch.ioports);
	rangeset_free(d->arch.iomem);
	rangeset_free(d->arch.irqs);
	d->arch.ioports = d->arch.iomem = d->arch.irqs = NULL;
}

bool ioport_access_ok(const struct domain *d, unsigned int port, unsigned int bytes)
{
	if (!bytes || port > LAST_PORT || bytes - 1 > LAST_PORT - port)
		return false;
	return rangeset_contains(d->arch.ioports, port, port + bytes - 1) &&
	       !rangeset_overlaps(&ports_denied, port, port + bytes - 1);
}

bool iomem_access_ok(const struct domain *d, mfn_t mfn)
{
	unsigned long f = mfn_x(mfn);

	return f <= LAST_FRAME && !mfn_valid(mfn) && rangeset_contains(d->arch.iomem, f, f) &&
	       !rangeset_contains(&frames_denied, f, f);
}

bool iomem_read_only(mfn_t mfn)
{
	const struct range *w = window_of(mfn_x(mfn));

	if (mfn_x(mfn) < READ_ONCE(w->first) || mfn_x(mfn) > READ_ONCE(w->last))
		return false;
	return rangeset_contains(&frames_read_only, mfn_x(mfn), mfn_x(mfn));
}

bool irq_access_ok(const struct domain *d, unsigned int gsi)
{
	return rangeset_contains(d->arch.irqs, gsi, gsi);
}

static int permit(struct rangeset *rs, unsigned long first, unsigned long last, bool allow)
{
	return allow ? rangeset_add(rs, first, last) : rangeset_remove(rs, first, last);
}

int ioport_permit(struct domain *d, unsigned int first, unsigned int nr, bool allow)
{
	if (!nr || first > LAST_PORT || nr - 1 > LAST_PORT - first)
		return -EINVAL;
	if (allow && rangeset_overlaps(&ports_denied, first, first + nr - 1))
		return (int)hv_err(-EPERM, "ports %#x+%u are the hypervisor's", first, nr);
	return permit(d->arch.ioports, first, first + nr - 1, allow);
}

int iomem_permit(struct domain *d, mfn_t first, unsigned long nr, bool allow)
{
	unsigned long f = mfn_x(first);

	if (!nr || f > LAST_FRAME || nr - 1 > LAST_FRAME - f)
		return -EINVAL;
	if (allow && rangeset_overlaps(&frames_denied, f, f + nr - 1))
		return (int)hv_err(-EPERM, "frames %#lx+%lu are the hypervisor's", f, nr);
	return permit(d->arch.iomem, f, f + nr - 1, allow);
}

int irq_permit(struct domain *d, unsigned int gsi, bool allow)
{
	if (gsi >= nr_gsis)
		return -EINVAL;
	return permit(d->arch.irqs, gsi, gsi, allow);
}

void iomem_deny(mfn_t start, unsigned long nr)
{
	if (rangeset_add(&frames_denied, mfn_x(start), mfn_x(start) + nr - 1))
		panic("No memory to protect the hypervisor's registers");
}

void ioport_deny(unsigned int start, unsigned int nr)
{
	if (rangeset_add(&ports_denied, start, start + nr - 1))
		panic("No memory to protect the hypervisor's ports");
}

int iomem_deny_write(mfn_t start, unsigned long nr)
{
	struct range *w = window_of(mfn_x(start));
	unsigned long last = mfn_x(start) + nr - 1;
	int rc;

	spin_lock(&windows_lock);
	rc = rangeset_add(&frames_read_only, mfn_x(start), last);
	if (!rc) {
		WRITE_ONCE(w->first, min(w->first, mfn_x(start)));
		WRITE_ONCE(w->last, max(w->last, last));
	}
	spin_unlock(&windows_lock);
	return rc;
}

/* ---- access by the emulation of IN and OUT ----------------------------------- */

static uint32_t all_ones(unsigned int bytes)
{
	return bytes >= 4 ? ~0U : (1U << (8 * bytes)) - 1;
}

/* The ports of PCI configuration space are virtual, for those who may use them. */
static bool is_pci_port(unsigned int port, unsigned int bytes)
{
	return port + bytes > PCI_PORT_FIRST && port <= PCI_PORT_LAST;
}

uint32_t ioport_guest_read(struct vcpu *v, unsigned int port, unsigned int bytes)
{
	struct domain *d = v->domain;

	if (!ioport_access_ok(d, port, bytes))
		return all_ones(bytes);
	if (is_pci_port(port, bytes))
		return d->is_hardware ? pci_port_read(d, port, bytes) : all_ones(bytes);
	return bytes == 1   ? inb((uint16_t)port)
	       : bytes == 2 ? inw((uint16_t)port)
			    : inl((uint16_t)port);
}

void ioport_guest_write(struct vcpu *v, unsigned int port, unsigned int bytes, uint32_t val)
{
	struct domain *d = v->domain;

	if (!ioport_access_ok(d, port, bytes))
		return;
	if (is_pci_port(port, bytes)) {
		if (d->is_hardware)
			pci_port_write(d, port, bytes, val);
		return;
	}
	if (bytes == 1)
		outb((uint16_t)port, (uint8_t)val);
	else if (bytes == 2)
		outw((uint16_t)port, (uint16_t)val);
	else
		outl((uint16_t)port, val);
}
