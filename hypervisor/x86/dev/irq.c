/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Interrupt lines: who handles each, and what happens when one comes.
 *
 * How an interrupt is acknowledged. The local APIC always gets its EOI at once,
 * so that no vector ever stays in service while a guest takes its time, and no
 * line can hold up another one, of whatever priority:
 *   edge, MSI   EOI, event. More of them while the event is pending fall
 *               together, as they would in the guest's own controller.
 *   level       masked at the IO-APIC, EOI, event; unmasked when the guest says
 *               PHYSDEVOP_eoi (or unbinds). A guest that never does has silenced
 *               its own line, nothing else.
 * A line that comes more often than any device should is masked for a while
 * (a storm); MSIs without mask bits can only be counted and reported.
 *
 * Affinity. A line is sent to the CPU where the vCPU is that gets its event. When
 * the vCPU has moved, the line follows after some arrivals at the wrong CPU: no
 * scheduler needs to know, and a vCPU that bounces doesn't drag its lines along.
 * As vectors are global, the new destination is one store.
 *
 * Locks: irq_desc.lock for a line (interrupts off, no event is sent under it),
 * vector_lock (leaf) for the allocation of vectors and MSI descriptors.
 */
#include <hv/bootinfo.h>
#include <hv/console.h>
#include <hv/cpumask.h>
#include <hv/domain.h>
#include <hv/evtchn.h>
#include <hv/lib.h>
#include <hv/percpu.h>
#include <hv/time.h>
#include <hv/timer.h>
#include <arch/acpi.h>
#include <arch/apic.h>
#include <arch/cpu.h>
#include <arch/efi.h>
#include <arch/irq.h>
#include <arch/pci.h>

#define STORM_WINDOW     MILLISECS(10)
#define STORM_LIMIT      5000 /* in a window */
#define STRAYS_MAX       32
#define APIC_ID_MAX_8BIT 0xfe
#define PIT_PORTS        0x40
#define NR_PIT_PORTS     4

static struct irq_desc *gsi_descs;
static struct irq_desc msi_descs[MAX_MSI_IRQS];
static struct irq_desc *vector_descs[NR_VECTORS];
static struct vector_map vector_map;
static struct spinlock vector_lock = SPINLOCK_INIT(RANK_NONE);
static struct timer storm_timer;
static uint32_t storm_timer_set; /* atomic */
static uint32_t spurious_count; /* atomic */

struct irq_desc *irq_gsi_desc(unsigned int gsi)
{
	if (gsi >= nr_gsis || !gsi_exists(gsi))
		return NULL;
	return &gsi_descs[index_nospec(gsi, nr_gsis)];
}

struct irq_desc *irq_msi_desc_alloc(void)
{
	struct irq_desc *desc = NULL;
	unsigned long flags = spin_lock_irqsave(&vector_lock);

	for (unsigned int i = 0; i < MAX_MSI_IRQS && !desc; i++) {
		if (!msi_descs[i].in_use) {
			desc = &msi_descs[i];
			desc->in_use = true;
			desc->count = desc->storms = 0;
		}
	}
	spin_unlock_irqrestore(&vector_lock, flags);
	return desc;
}

void irq_msi_desc_free(struct irq_desc *desc)
{
	unsigned long flags = spin_lock_irqsave(&vector_lock);

	ASSERT(desc->in_use && !desc->enabled && !desc->dev);
	if (desc->vector) {
		WRITE_ONCE(vector_descs[desc->vector], NULL);
		vector_free(&vector_map, desc->vector);
		desc->vector = 0;
	}
	desc->in_use = false;
	spin_unlock_irqrestore(&vector_lock, flags);
}

bool irq_msi_in_use(const struct pci_dev *dev, enum irq_kind kind, unsigned int entry)
{
	for (unsigned int i = 0; i < MAX_MSI_IRQS; i++) {
		const struct irq_desc *desc = &msi_descs[i];

		if (desc->in_use && desc->dev == dev && desc->kind == kind && desc->entry == entry)
			return true;
	}
	return false;
}

int irq_assign_vector(struct irq_desc *desc)
{
	unsigned long flags = spin_lock_irqsave(&vector_lock);
	int v = desc->vector;

	if (!v) {
		v = vector_alloc(&vector_map);
		if (v > 0) {
			desc->vector = (uint8_t)v;
			WRITE_ONCE(vector_descs[v], desc);
		}
	}
	spin_unlock_irqrestore(&vector_lock, flags);
	return v < 0 ? v : 0;
}

unsigned int irq_dest_apic_id(const struct irq_desc *desc)
{
	unsigned int id = apic_id_of(desc->dest);

	/* Higher ones can't be named in a message without interrupt remapping. */
	return id <= APIC_ID_MAX_8BIT ? id : apic_id_of(0);
}

/* ---- the controllers, by kind; under desc.lock ----------------------------- */

static bool line_mask(struct irq_desc *desc)
{
	if (desc->kind != IRQ_GSI)
		return msi_mask(desc);
	ioapic_mask(desc);
	return true;
}

/* If nothing speaks against it. */
static void line_unmask(struct irq_desc *desc)
{
	if (!desc->enabled || desc->awaiting_eoi || desc->storming)
		return;
	if (desc->kind == IRQ_GSI)
		ioapic_unmask(desc);
	else
		msi_unmask(desc);
}

/* All of it, masked. */
static void line_program(struct irq_desc *desc)
{
	if (desc->kind == IRQ_GSI) {
		ioapic_program(desc);
		return;
	}
	msi_mask(desc);
	msi_write_message(desc);
}

static void line_set_dest(struct irq_desc *desc, unsigned int cpu)
{
	if (desc->dest == cpu)
		return;
	desc->dest = cpu;
	if (desc->kind == IRQ_GSI)
		ioapic_set_dest(desc);
	else
		msi_set_dest(desc);
}

/* ---- who handles a line ----------------------------------------------------- */

static void line_start(struct irq_desc *desc)
{
	desc->enabled = true;
	desc->awaiting_eoi = desc->storming = false;
	desc->strays = 0;
	line_program(desc);
	line_unmask(desc);
}

static void line_stop(struct irq_desc *desc)
{
	desc->enabled = false;
	desc->awaiting_eoi = desc->storming = false;
	desc->domain = NULL;
	desc->vcpu = NULL;
	desc->port = 0;
	line_mask(desc);
}

int irq_request(unsigned int gsi, void (*fn)(void *), void *data)
{
	struct irq_desc *desc = irq_gsi_desc(gsi);
	unsigned long flags;
	int rc;

	if (!desc)
		return -EINVAL;
	rc = irq_assign_vector(desc);
	if (rc)
		return rc;
	flags = spin_lock_irqsave(&desc->lock);
	if (desc->enabled) {
		rc = -EBUSY;
	} else {
		desc->fn = fn;
		desc->data = data;
		line_start(desc);
	}
	spin_unlock_irqrestore(&desc->lock, flags);
	return rc;
}

unsigned int irq_isa_to_gsi(unsigned int isa_irq)
{
	return isa_irq < ACPI_NR_ISA ? acpi_info.isa[isa_irq].gsi : isa_irq;
}

int irq_bind(struct irq_desc *desc, struct domain *d, unsigned int pirq, uint32_t port)
{
	unsigned long flags;
	int rc = irq_assign_vector(desc);

	if (rc)
		return rc;
	flags = spin_lock_irqsave(&desc->lock);
	if (desc->enabled) {
		rc = -EBUSY;
	} else {
		desc->domain = d;
		desc->pirq = pirq;
		desc->port = port;
		desc->vcpu = d->max_vcpus ? d->vcpu[0] : NULL;
		if (desc->vcpu && cpumask_test(READ_ONCE(desc->vcpu->cpu), &cpu_online_map))
			desc->dest = READ_ONCE(desc->vcpu->cpu);
		line_start(desc);
	}
	spin_unlock_irqrestore(&desc->lock, flags);
	return rc;
}

static bool bound_as(const struct irq_desc *desc, const struct domain *d, unsigned int pirq)
{
	return desc->domain == d && desc->pirq == pirq;
}

void irq_unbind(struct irq_desc *desc, const struct domain *d, unsigned int pirq)
{
	unsigned long flags = spin_lock_irqsave(&desc->lock);

	if (bound_as(desc, d, pirq))
		line_stop(desc);
	spin_unlock_irqrestore(&desc->lock, flags);
}

bool irq_eoi(struct irq_desc *desc, const struct domain *d, unsigned int pirq)
{
	unsigned long flags = spin_lock_irqsave(&desc->lock);
	bool was = bound_as(desc, d, pirq) && desc->awaiting_eoi;

	if (was) {
		desc->awaiting_eoi = false;
		line_unmask(desc);
	}
	spin_unlock_irqrestore(&desc->lock, flags);
	return was;
}

void irq_set_vcpu(struct irq_desc *desc, const struct domain *d, unsigned int pirq, struct vcpu *v)
{
	unsigned long flags = spin_lock_irqsave(&desc->lock);
	unsigned int cpu = READ_ONCE(v->cpu);

	if (bound_as(desc, d, pirq)) {
		desc->vcpu = v;
		desc->strays = 0;
		if (cpumask_test(cpu, &cpu_online_map))
			line_set_dest(desc, cpu);
	}
	spin_unlock_irqrestore(&desc->lock, flags);
}

void irq_sync(const struct irq_desc *desc)
{
	while (__atomic_load_n(&desc->in_progress, __ATOMIC_ACQUIRE))
		cpu_relax();
}

int irq_set_mode(unsigned int gsi, bool level, bool active_low)
{
	struct irq_desc *desc = irq_gsi_desc(gsi);
	unsigned long flags;
	int rc = 0;

	if (!desc)
		return -EINVAL;
	flags = spin_lock_irqsave(&desc->lock);
	if (desc->level != level || desc->active_low != active_low) {
		if (desc->enabled) {
			rc = -EEXIST;
		} else {
			desc->level = level;
			desc->active_low = active_low;
		}
	}
	spin_unlock_irqrestore(&desc->lock, flags);
	return rc;
}

void irq_restore(struct irq_desc *desc)
{
	unsigned long flags = spin_lock_irqsave(&desc->lock);

	if (desc->vector)
		line_program(desc);
	line_unmask(desc);
	spin_unlock_irqrestore(&desc->lock, flags);
}

void irq_restore_device(const struct pci_dev *dev)
{
	for (unsigned int i = 0; i < MAX_MSI_IRQS; i++) {
		if (msi_descs[i].in_use && msi_descs[i].dev == dev)
			irq_restore(&msi_descs[i]);
	}
}

/* ---- arrival ---------------------------------------------------------------- */

/* Counts; true when the line shall pause. */
static bool storm_check(struct irq_desc *desc)
{
	s_time_t now = time_now();

	desc->count++;
	if (now - desc->window > STORM_WINDOW) {
		desc->window = now;
		desc->in_window = 0;
	}
	if (++desc->in_window < STORM_LIMIT)
		return false;
	desc->in_window = 0;
	desc->storms++;
	if (!line_mask(desc))
		return false;
	desc->storming = true;
	if (!__atomic_exchange_n(&storm_timer_set, 1, __ATOMIC_SEQ_CST))
		timer_set(&storm_timer, now + STORM_WINDOW);
	return true;
}

static void storm_over(struct irq_desc *desc)
{
	unsigned long flags = spin_lock_irqsave(&desc->lock);
	uint32_t storms = desc->storms;
	bool was = desc->storming;

	if (was) {
		desc->storming = false;
		line_unmask(desc);
	}
	spin_unlock_irqrestore(&desc->lock, flags);
	/* Said the 1st, 2nd, 4th ... time. */
	if (was && !(storms & (storms - 1)))
		pr_warn("Interrupt vector %#x: storm number %u, line was paused\n", desc->vector,
			storms);
}

static void storm_timer_fn(void *data)
{
	__atomic_store_n(&storm_timer_set, 0, __ATOMIC_SEQ_CST);
	for (unsigned int i = 0; i < nr_gsis; i++)
		storm_over(&gsi_descs[i]);
	for (unsigned int i = 0; i < MAX_MSI_IRQS; i++)
		storm_over(&msi_descs[i]);
}

static void follow_vcpu(struct irq_desc *desc)
{
	unsigned int cpu = desc->vcpu ? READ_ONCE(desc->vcpu->cpu) : desc->dest;

	if (cpu == smp_processor_id()) {
		desc->strays = 0;
		return;
	}
	if (++desc->strays < STRAYS_MAX || !cpumask_test(cpu, &cpu_online_map))
		return;
	desc->strays = 0;
	line_set_dest(desc, cpu);
}

static void deliver_ours(struct irq_desc *desc)
{
	void (*fn)(void *) = desc->fn;
	void *data = desc->data;

	spin_unlock(&desc->lock);
	fn(data);
	spin_lock(&desc->lock);
	desc->awaiting_eoi = false;
	line_unmask(desc);
	spin_unlock(&desc->lock);
}

static void deliver_bound(struct irq_desc *desc)
{
	struct domain *d = desc->domain;
	uint32_t port = desc->port;

	follow_vcpu(desc);
	/* The domain stays as long as this is counted: pirq_release_all waits. */
	__atomic_add_fetch(&desc->in_progress, 1, __ATOMIC_ACQ_REL);
	spin_unlock(&desc->lock);
	evtchn_send_port(d, port);
	__atomic_sub_fetch(&desc->in_progress, 1, __ATOMIC_RELEASE);
}

static void spurious(unsigned int vector)
{
	uint32_t n = __atomic_add_fetch(&spurious_count, 1, __ATOMIC_RELAXED);

	if (!(n & (n - 1)))
		pr_debug("Interrupt vector %#x: nobody handles it (%u so far)\n", vector, n);
}

void irq_dispatch(unsigned int vector)
{
	struct irq_desc *desc = READ_ONCE(vector_descs[vector % NR_VECTORS]);

	if (!desc) {
		apic_eoi();
		spurious(vector);
		return;
	}
	spin_lock(&desc->lock);
	if (desc->vector != vector || !desc->enabled) {
		/* One that was on its way when the line was unbound; keep it quiet. */
		if (desc->vector == vector)
			line_mask(desc);
		spin_unlock(&desc->lock);
		apic_eoi();
		spurious(vector);
		return;
	}
	if (desc->level) {
		line_mask(desc);
		desc->awaiting_eoi = true;
	}
	apic_eoi();
	storm_check(desc);
	if (desc->domain)
		deliver_bound(desc);
	else
		deliver_ours(desc);
}

/* ---- start-up and debug key -------------------------------------------------- */

static void __init init_gsi_descs(void)
{
	unsigned int order = 0;

	while ((PAGE_SIZE << order) < nr_gsis * sizeof(*gsi_descs))
		order++;
	gsi_descs = hyp_pages_alloc(order);
	if (!gsi_descs)
		panic("No memory for %u interrupt lines", nr_gsis);
	for (unsigned int i = 0; i < nr_gsis; i++) {
		struct irq_desc *desc = &gsi_descs[i];

		spin_lock_init(&desc->lock, RANK_IRQ);
		desc->kind = IRQ_GSI;
		desc->gsi = i;
		/* PCI's way, until the control domain knows better (setup_gsi). */
		desc->level = desc->active_low = true;
	}
	for (unsigned int i = 0; i < ACPI_NR_ISA; i++) {
		const struct acpi_isa_irq *isa = &acpi_info.isa[i];

		if (isa->gsi >= nr_gsis)
			continue;
		gsi_descs[isa->gsi].level = isa->level;
		gsi_descs[isa->gsi].active_low = isa->active_low;
	}
}

static void irq_key(char key)
{
	irq_dump();
}

void __init irq_init(void)
{
	if (acpi_info.lapic_addr)
		iomem_deny(_mfn(PFN_DOWN(acpi_info.lapic_addr)), 1);
	iomem_deny(_mfn(PFN_DOWN(APIC_DEFAULT_PHYS)), 1);
	/* The timer chip is ours, though nothing counts by it once the TSC is known. */
	ioport_deny(PIT_PORTS, NR_PIT_PORTS);
	i8259_disable();
	ioapic_init();
	if (!nr_gsis)
		pr_err("No usable IO-APIC: devices have no interrupts but MSIs\n");
	else
		init_gsi_descs();
	for (unsigned int i = 0; i < MAX_MSI_IRQS; i++)
		spin_lock_init(&msi_descs[i].lock, RANK_IRQ);
	timer_init(&storm_timer, storm_timer_fn, NULL, 0);
	acpi_power_init();
	efi_init(boot_info.efi_systab);
	pci_init();
	keyhandler_register('i', irq_key, "show interrupt lines");
}

static void dump_line(struct irq_desc *desc)
{
	static const char *const kinds[] = {"gsi", "msi", "msi-x"};
	char who[64] = "", what[40];
	unsigned long flags;
	struct irq_desc c;

	if (!desc->vector)
		return;
	flags = spin_lock_irqsave(&desc->lock);
	c = *desc;
	if (c.dev)
		hv_snprintf(what, sizeof(what), "%u of " PCI_FMT, c.entry, PCI_ARGS(c.dev->sbdf));
	else
		hv_snprintf(what, sizeof(what), "%u %s %s", c.gsi, c.level ? "level" : "edge",
			    c.active_low ? "low" : "high");
	if (c.domain)
		hv_snprintf(who, sizeof(who), "d%u pirq %u port %u", c.domain->id, c.pirq, c.port);
	spin_unlock_irqrestore(&desc->lock, flags);
	pr_info("  %02x %-5s %-20s cpu %-2u %10lu  %s%s%s%s%s, %u storms\n", c.vector,
		kinds[c.kind], what, c.dest, c.count, who, c.fn ? "ours" : "",
		c.enabled ? "" : "off", c.awaiting_eoi ? ", waits for EOI" : "",
		c.storming ? ", paused" : "", c.storms);
}

void irq_dump(void)
{
	pr_info("Interrupt lines (%u spurious):\n", spurious_count);
	for (unsigned int i = 0; i < nr_gsis; i++)
		dump_line(&gsi_descs[i]);
	for (unsigned int i = 0; i < MAX_MSI_IRQS; i++)
		dump_line(&msi_descs[i]);
}
