/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * x86/dev/msi.c and pci_port.c on a make-believe PCI device: capabilities are
 * found (and a list of them that runs in circles ends), messages and mask bits go
 * where the specification says for each form of the capability, and the control
 * domain's port accesses change nothing of what is the hypervisor's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include <hv/domain.h>
#include <hv/irq.h>
#include <hv/lib.h>
#include <arch/irq.h>
#include <arch/pci.h>

#define SBDF          PCI_SBDF(0, 0, 0x18)
#define MSI_AT        0x50
#define MSIX_AT       0x70
#define BAR           0xfeb00000UL
#define TABLE_AT      0x2000
#define TABLE_ENTRIES 4
#define LATCH         0xcf8
#define DATA          0xcfc

static uint8_t config[256];
static uint32_t table[TABLE_ENTRIES * 4];
static struct pci_dev dev;
static struct domain dom;
static bool in_use, mapping_fails, frame_is_ram;
static unsigned long read_only_first, read_only_nr;

struct domain *hardware_domain = &dom;
struct spinlock pci_lock;

void spin_lock(struct spinlock *l)
{
}

void spin_unlock(struct spinlock *l)
{
}

unsigned long spin_lock_irqsave(struct spinlock *l)
{
	return 0;
}

void spin_unlock_irqrestore(struct spinlock *l, unsigned long flags)
{
}

bool spin_is_held(const struct spinlock *l)
{
	return true;
}

void printk(enum loglvl lvl, const char *fmt, ...)
{
}

long hv_err_fn(long err, const char *func, const char *fmt, ...)
{
	return err;
}

__noreturn void assert_failed(const char *expr, const char *file, int line)
{
	abort();
}

void *hv_zalloc(size_t size)
{
	return calloc(1, size);
}

void hv_free(void *p)
{
	free(p);
}

/* As arch/page.h, which is another one for host tests, has it */
void *ioremap(paddr_t pa, size_t len);

void *ioremap(paddr_t pa, size_t len)
{
	assert_int_equal(pa, BAR + TABLE_AT);
	assert_int_equal(len, sizeof(table));
	return mapping_fails ? NULL : table;
}

bool iomem_access_ok(const struct domain *d, mfn_t mfn)
{
	return !frame_is_ram;
}

int iomem_deny_write(mfn_t start, unsigned long nr)
{
	read_only_first = mfn_x(start);
	read_only_nr = nr;
	return 0;
}

bool irq_msi_in_use(const struct pci_dev *d, enum irq_kind kind, unsigned int entry)
{
	return in_use;
}

int irq_assign_vector(struct irq_desc *desc)
{
	desc->vector = 0x51;
	return 0;
}

unsigned int irq_dest_apic_id(const struct irq_desc *desc)
{
	return desc->dest * 2;
}

struct pci_dev *pci_device_find(uint32_t sbdf)
{
	return sbdf == SBDF ? &dev : NULL;
}

uint32_t pci_config_read(uint32_t sbdf, unsigned int reg, unsigned int bytes)
{
	uint32_t v = 0;

	assert_true(reg + bytes <= sizeof(config) && reg % bytes == 0);
	memcpy(&v, config + reg, bytes);
	return v;
}

void pci_config_write(uint32_t sbdf, unsigned int reg, unsigned int bytes, uint32_t val)
{
	assert_true(reg + bytes <= sizeof(config) && reg % bytes == 0);
	memcpy(config + reg, &val, bytes);
}

static uint32_t reg(unsigned int at, unsigned int bytes)
{
	return pci_config_read(SBDF, at, bytes);
}

/* A device with both capabilities; plain MSI in the form that @ctrl says. */
static void make_device(uint16_t ctrl)
{
	memset(config, 0, sizeof(config));
	memset(table, 0xee, sizeof(table));
	memset(&dev, 0, sizeof(dev));
	in_use = mapping_fails = frame_is_ram = false;
	read_only_nr = 0;
	pci_config_write(SBDF, 0, 4, 0x12345678);
	pci_config_write(SBDF, 6, 2, 0x10);
	pci_config_write(SBDF, 0x14, 4, BAR);
	config[0x34] = 0x42; /* the low bits are reserved */
	pci_config_write(SBDF, 0x40, 2, MSI_AT << 8 | 0x01);
	pci_config_write(SBDF, MSI_AT, 2, MSIX_AT << 8 | 0x05);
	pci_config_write(SBDF, MSI_AT + 2, 2, ctrl);
	pci_config_write(SBDF, MSIX_AT, 2, 0x11);
	pci_config_write(SBDF, MSIX_AT + 2, 2, TABLE_ENTRIES - 1);
	pci_config_write(SBDF, MSIX_AT + 4, 4, TABLE_AT | 1);
	dev.sbdf = SBDF;
	msi_probe(&dev);
}

static void probing(void **state)
{
	make_device(0x0180);
	assert_int_equal(dev.msi_cap, MSI_AT);
	assert_true(dev.msi_64bit && dev.msi_maskable);
	assert_int_equal(dev.msix_cap, MSIX_AT);
	assert_int_equal(dev.msix_nr, TABLE_ENTRIES);
	/* The list runs in a circle. */
	config[MSI_AT + 1] = 0x40;
	config[MSI_AT] = 0x09;
	msi_probe(&dev);
	assert_int_equal(dev.msi_cap, 0);
	assert_int_equal(dev.msix_cap, 0);
	/* A capability that doesn't fit. */
	make_device(0);
	config[0x34] = 0xf8;
	config[0xf8] = 0x05;
	config[0xfa] = 0x80;
	config[0xf9] = 0;
	msi_probe(&dev);
	assert_int_equal(dev.msi_cap, 0);
	/* No list at all. */
	config[6] = 0;
	msi_probe(&dev);
	assert_int_equal(dev.msi_cap, 0);
}

static void plain(void **state)
{
	struct irq_desc desc = {.dest = 3};

	make_device(0x01b1); /* 64 bits, maskable, enabled with 8 messages */
	assert_int_equal(msi_attach(&dev, &desc, false, 0, 0), 0);
	assert_int_equal(reg(MSI_AT + 2, 2), 0x0181);
	assert_int_equal(reg(MSI_AT + 4, 4), 0xfee06000);
	assert_int_equal(reg(MSI_AT + 8, 4), 0);
	assert_int_equal(reg(MSI_AT + 12, 2), 0x51);
	assert_int_equal(reg(MSI_AT + 16, 4), ~0U);
	msi_unmask(&desc);
	assert_int_equal(reg(MSI_AT + 16, 4), ~1U);
	desc.dest = 5;
	msi_set_dest(&desc);
	assert_int_equal(reg(MSI_AT + 4, 4), 0xfee0a000);
	assert_int_equal(msi_attach(&dev, &desc, false, 0, 0), -EBUSY);
	msi_detach(&desc);
	assert_int_equal(reg(MSI_AT + 16, 4), ~0U);
	assert_int_equal(reg(MSI_AT + 2, 2), 0x0180);
	assert_int_equal(dev.nr_irqs, 0);
	assert_null(desc.dev);
}

static void plain_of_the_smallest_kind(void **state)
{
	struct irq_desc desc = {.dest = 1};

	make_device(0);
	config[MSI_AT + 12] = 0xab; /* isn't part of it */
	assert_int_equal(msi_attach(&dev, &desc, false, 0, 0), 0);
	assert_int_equal(reg(MSI_AT + 4, 4), 0xfee02000);
	assert_int_equal(reg(MSI_AT + 8, 2), 0x51);
	assert_int_equal(config[MSI_AT + 12], 0xab);
	assert_false(msi_mask(&desc));
	msi_detach(&desc);
}

static void tables(void **state)
{
	struct irq_desc desc = {.dest = 2};

	make_device(0);
	assert_int_equal(msi_attach(&dev, &desc, true, TABLE_ENTRIES, BAR), -EINVAL);
	assert_int_equal(msi_attach(&dev, &desc, true, 1, BAR + 0x1000), -EINVAL);
	frame_is_ram = true;
	assert_int_equal(msi_attach(&dev, &desc, true, 1, BAR), -EINVAL);
	frame_is_ram = false;
	mapping_fails = true;
	assert_int_equal(msi_attach(&dev, &desc, true, 1, BAR), -ENOMEM);
	mapping_fails = false;
	assert_int_equal(dev.nr_irqs, 0);
	assert_int_equal(msi_attach(&dev, &desc, true, 1, BAR), 0);
	assert_int_equal(read_only_first, PFN_DOWN(BAR + TABLE_AT));
	assert_int_equal(read_only_nr, 1);
	assert_int_equal(table[4], 0xfee04000);
	assert_int_equal(table[5], 0);
	assert_int_equal(table[6], 0x51);
	assert_int_equal(table[7], 1);
	assert_int_equal(table[3], 0xeeeeeeee); /* the neighbours */
	assert_int_equal(table[8], 0xeeeeeeee);
	msi_unmask(&desc);
	assert_int_equal(table[7], 0);
	desc.dest = 4;
	msi_set_dest(&desc);
	assert_int_equal(table[4], 0xfee08000);
	assert_int_equal(table[7], 0);
	msi_mask(&desc);
	msi_set_dest(&desc);
	assert_int_equal(table[7], 1);
	in_use = true;
	assert_int_equal(msi_attach(&dev, &desc, true, 1, BAR), -EBUSY);
	msi_detach(&desc);
	assert_int_equal(table[7], 1);
}

static void bars(void **state)
{
	struct irq_desc desc = {.dest = 0};

	make_device(0);
	pci_config_write(SBDF, 0x14, 4, 0xc001); /* an I/O BAR */
	assert_int_equal(msi_attach(&dev, &desc, true, 0, 0xc000), -EINVAL);
	pci_config_write(SBDF, 0x14, 4, 0); /* unassigned */
	assert_int_equal(msi_attach(&dev, &desc, true, 0, 0), -EINVAL);
	pci_config_write(SBDF, MSIX_AT + 4, 4, TABLE_AT | 7); /* no such BAR */
	assert_int_equal(msi_attach(&dev, &desc, true, 0, BAR), -EINVAL);
	config[0x0e] = 1; /* a bridge has two */
	pci_config_write(SBDF, MSIX_AT + 4, 4, TABLE_AT | 2);
	pci_config_write(SBDF, 0x18, 4, BAR);
	assert_int_equal(msi_attach(&dev, &desc, true, 0, BAR), -EINVAL);
	config[6] = 0;
	msi_probe(&dev);
	assert_int_equal(msi_attach(&dev, &desc, true, 0, BAR), -ENODEV);
}

static void address(unsigned int at)
{
	pci_port_write(&dom, LATCH, 4, 1U << 31 | SBDF << 8 | (at & 0xfc));
}

static void port_write(unsigned int at, unsigned int bytes, uint32_t val)
{
	address(at);
	pci_port_write(&dom, DATA + (at & 3), bytes, val);
}

static void ports(void **state)
{
	make_device(0x0180);
	address(0);
	assert_int_equal(pci_port_read(&dom, LATCH, 4), 1U << 31 | SBDF << 8);
	assert_int_equal(pci_port_read(&dom, DATA, 4), 0x12345678);
	assert_int_equal(pci_port_read(&dom, DATA + 2, 2), 0x1234);
	assert_int_equal(pci_port_read(&dom, DATA + 1, 1), 0x56);
	/* Across the end, not aligned, not the latch's width: nothing there. */
	assert_int_equal(pci_port_read(&dom, DATA + 3, 2), 0xffff);
	assert_int_equal(pci_port_read(&dom, DATA + 1, 2), 0xffff);
	assert_int_equal(pci_port_read(&dom, LATCH + 1, 1), 0xff);
	pci_port_write(&dom, LATCH + 1, 1, 0x06);
	assert_int_equal(pci_port_read(&dom, LATCH, 4), 1U << 31 | SBDF << 8);
	pci_port_write(&dom, LATCH, 4, SBDF << 8); /* not enabled */
	assert_int_equal(pci_port_read(&dom, DATA, 4), ~0U);
	pci_port_write(&dom, DATA, 4, 0);
	assert_int_equal(reg(0, 4), 0x12345678);
	port_write(4, 2, 0x0406);
	assert_int_equal(reg(4, 2), 0x0406);
}

static void what_is_ours(void **state)
{
	struct irq_desc desc = {.dest = 3};
	uint8_t before[256];

	make_device(0x0180);
	assert_int_equal(msi_attach(&dev, &desc, false, 0, 0), 0);
	memcpy(before, config, sizeof(config));
	for (unsigned int at = MSI_AT + 4; at < MSI_AT + 24; at++)
		port_write(at, 1, 0xff);
	for (unsigned int at = MSI_AT + 4; at < MSI_AT + 24; at += 4)
		port_write(at, 4, 0x12345678);
	assert_memory_equal(config, before, sizeof(config));
	/* The enable bit is the domain's, the number of messages isn't. */
	port_write(MSI_AT + 2, 2, 0x01f1);
	assert_int_equal(reg(MSI_AT + 2, 2), 0x0181);
	port_write(MSI_AT, 4, 0x01f07005);
	assert_int_equal(reg(MSI_AT + 2, 2), 0x0180);
	port_write(MSI_AT + 2, 1, 0xf1);
	assert_int_equal(reg(MSI_AT + 2, 2), 0x0181);
	/* Right behind, and MSI-X's enable bit. */
	port_write(MSI_AT + 24, 4, 0x55aa55aa);
	assert_int_equal(reg(MSI_AT + 24, 4), 0x55aa55aa);
	port_write(MSIX_AT + 2, 2, 0xc003);
	assert_int_equal(reg(MSIX_AT + 2, 2), 0xc003);
	msi_detach(&desc);
	/* The smallest form ends in the middle of a word. */
	make_device(0);
	port_write(MSI_AT + 8, 4, 0xaabbccdd);
	assert_int_equal(reg(MSI_AT + 8, 4), 0xaabb0000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(probing),
		cmocka_unit_test(plain),
		cmocka_unit_test(plain_of_the_smallest_kind),
		cmocka_unit_test(tables),
		cmocka_unit_test(bars),
		cmocka_unit_test(ports),
		cmocka_unit_test(what_is_ours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
