/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The platform_op hypercall: what the control domain's kernel does for the
 * machine. One argument struct for all sub-operations; a table says which are
 * there and which answer. Nothing is locked before the caller's right is known.
 */
#include <hv/console.h>
#include <hv/cpumask.h>
#include <hv/domain.h>
#include <hv/guest_access.h>
#include <hv/hypercall.h>
#include <hv/irq.h>
#include <hv/lib.h>
#include <hv/machine.h>
#include <hv/sched.h>
#include <hv/time.h>
#include <public/platform.h>
#include <arch/acpi.h>
#include <arch/apic.h>
#include <arch/cpu.h>
#include <arch/efi.h>
#include <arch/mtrr.h>
#include <arch/symbols.h>

#define NSEC_PER_SEC 1000000000U
#define ACPI_S5      5

/* Hardware-reduced sleep control: the type is elsewhere */
#define EXTENDED_TYP(v) (((v) >> 2) & 7)
#define PM1_TYP(t)      ((uint16_t)((t) << 10))

/* ---- wall clock ----------------------------------------------------------------- */

static int set_time(uint64_t secs, uint32_t nsecs, uint64_t at)
{
	/* In 290 years the sum won't fit any more: now that's a mistake. */
	if (nsecs >= NSEC_PER_SEC || secs > UINT64_MAX / NSEC_PER_SEC / 2 || at > INT64_MAX)
		return -EINVAL;
	time_set_wallclock(secs, nsecs, (s_time_t)at);
	return 0;
}

static int op_settime32(struct xen_platform_op *op)
{
	return set_time(op->u.settime32.secs, op->u.settime32.nsecs, op->u.settime32.system_time);
}

static int op_settime64(struct xen_platform_op *op)
{
	if (op->u.settime64.mbz)
		return -EINVAL;
	return set_time(op->u.settime64.secs, op->u.settime64.nsecs, op->u.settime64.system_time);
}

/* ---- memory types ------------------------------------------------------------------ */

static int op_add_memtype(struct xen_platform_op *op)
{
	return (int)hv_err(-EOPNOTSUPP, "memory types are chosen by PAT");
}

static int op_del_memtype(struct xen_platform_op *op)
{
	return (int)hv_err(-EOPNOTSUPP, "memory types are chosen by PAT");
}

static int op_read_memtype(struct xen_platform_op *op)
{
	unsigned long nr;
	unsigned int type;
	mfn_t mfn;
	int rc = mtrr_read(op->u.read_memtype.reg, &mfn, &nr, &type);

	if (rc)
		return rc;
	op->u.read_memtype.mfn = mfn_x(mfn);
	op->u.read_memtype.nr_mfns = nr;
	op->u.read_memtype.type = type;
	return 0;
}

/* ---- firmware ------------------------------------------------------------------------ */

static int efi_vendor(union xenpf_efi_info *info)
{
	unsigned long room = info->vendor.bufsz;
	unsigned long n = min((unsigned long)efi_info.vendor_bytes, room);

	info->vendor.revision = efi_info.vendor_revision;
	/* Cut short it still ends. */
	n &= ~1UL;
	if (n >= 2) {
		uint16_t end = 0;

		if (guest_copy_out(info->vendor.name.a, efi_info.vendor, n) ||
		    guest_copy_out(info->vendor.name.a + n - 2, &end, 2))
			return -EFAULT;
	}
	return 0;
}

static int efi_firmware_info(struct xenpf_firmware_info *fw)
{
	union xenpf_efi_info *info = &fw->u.efi_info;

	if (!efi_info.present)
		return -ENODEV;
	switch (fw->index) {
	case XEN_FW_EFI_VERSION:
		info->version = efi_info.spec_version;
		return 0;
	case XEN_FW_EFI_CONFIG_TABLE:
		info->cfg.addr = efi_info.config_tables;
		info->cfg.nent = efi_info.nr_config_tables;
		return 0;
	case XEN_FW_EFI_VENDOR:
		return efi_vendor(info);
	default:
		return -EOPNOTSUPP;
	}
}

/* Of disks, display and keyboard nothing is known: the probes end at the first error. */
static int op_firmware_info(struct xen_platform_op *op)
{
	if (op->u.firmware_info.type == XEN_FW_EFI_INFO)
		return efi_firmware_info(&op->u.firmware_info);
	return op->u.firmware_info.type == XEN_FW_DISK_INFO ||
			       op->u.firmware_info.type == XEN_FW_DISK_MBR_SIGNATURE ||
			       op->u.firmware_info.type == XEN_FW_VBEDDC_INFO ||
			       op->u.firmware_info.type == XEN_FW_KBD_SHIFT_FLAGS
		       ? -ENOENT
		       : -EINVAL;
}

/* ---- power ------------------------------------------------------------------------------ */

static int op_enter_acpi_sleep(struct xen_platform_op *op)
{
	const struct xenpf_enter_acpi_sleep *s = &op->u.enter_acpi_sleep;

	if (s->sleep_state != ACPI_S5)
		return (int)hv_err(-EOPNOTSUPP, "sleep state S%u", s->sleep_state);
	if (!(s->flags & XENPF_ACPI_SLEEP_EXTENDED) != !acpi_info.hw_reduced)
		return -EINVAL;
	if (acpi_info.hw_reduced)
		acpi_set_s5(PM1_TYP(EXTENDED_TYP(s->val_a)), PM1_TYP(EXTENDED_TYP(s->val_b)));
	else
		acpi_set_s5(s->val_a, s->val_b);
	console_force_sync();
	pr_info("The control domain switches the machine off\n");
	acpi_enter_s5();
	return -EIO;
}

/* ---- physical CPUs ------------------------------------------------------------------------ */

static uint32_t last_cpu(void)
{
	return bit_last(READ_ONCE(cpu_online_map.bits));
}

static bool cpu_is_there(uint32_t cpu)
{
	return cpu < MAX_CPUS && cpumask_test(cpu, &cpu_online_map);
}

static int op_get_cpuinfo(struct xen_platform_op *op)
{
	struct xenpf_pcpuinfo *info = &op->u.pcpu_info;
	uint32_t acpi_id;

	info->max_present = last_cpu();
	if (!cpu_is_there(info->xen_cpuid)) {
		info->flags = XEN_PCPU_FLAGS_INVALID;
		info->apic_id = info->acpi_id = ~0U;
		return 0;
	}
	info->flags = XEN_PCPU_FLAGS_ONLINE;
	info->apic_id = apic_id_of(info->xen_cpuid);
	info->acpi_id = acpi_id_of_apic_id(info->apic_id, &acpi_id) ? acpi_id : ~0U;
	return 0;
}

struct version_regs {
	struct cpuid_regs vendor, family;
};

static void read_version(void *data)
{
	struct version_regs *r = data;

	r->vendor = cpuid_count(0, 0);
	r->family = cpuid_count(1, 0);
}

static int op_get_cpu_version(struct xen_platform_op *op)
{
	struct xenpf_pcpu_version *ver = &op->u.pcpu_version;
	struct version_regs r;
	struct cpu_version v;

	ver->max_present = last_cpu();
	ver->family = ver->model = ver->stepping = 0;
	memset(ver->vendor_id, 0, sizeof(ver->vendor_id));
	if (!cpu_is_there(ver->xen_cpuid))
		return 0;
	on_cpus(cpumask_of(ver->xen_cpuid), read_version, &r);
	memcpy(ver->vendor_id, &r.vendor.b, 4);
	memcpy(ver->vendor_id + 4, &r.vendor.d, 4);
	memcpy(ver->vendor_id + 8, &r.vendor.c, 4);
	v = cpu_version_of(r.family.a);
	ver->family = v.family;
	ver->model = v.model;
	ver->stepping = v.stepping;
	return 0;
}

static int op_cpu_online(struct xen_platform_op *op)
{
	if (op->u.cpu_ol.cpuid >= MAX_CPUS)
		return -EINVAL;
	return cpu_is_there(op->u.cpu_ol.cpuid) ? 0 : -EOPNOTSUPP;
}

static int op_cpu_offline(struct xen_platform_op *op)
{
	return cpu_is_there(op->u.cpu_ol.cpuid) ? -EOPNOTSUPP : -EINVAL;
}

/* Time spent in the idle vCPU, for the CPUs asked for. */
static int op_getidletime(struct xen_platform_op *op)
{
	struct xenpf_getidletime *idle = &op->u.getidletime;
	unsigned int nr = min(idle->cpumap_nr_cpus, (uint32_t)MAX_CPUS), bytes = (nr + 7) / 8;
	struct cpumask wanted = CPUMASK_NONE;
	unsigned int cpu;

	if (guest_copy_in(&wanted, idle->cpumap_bitmap.a, bytes))
		return -EFAULT;
	if (nr < MAX_CPUS)
		wanted.bits &= (1UL << nr) - 1;
	wanted = cpumask_and(wanted, cpu_online_map);
	for_each_cpu (cpu, wanted) {
		struct vcpu_runstate_info rs;

		vcpu_runstate_get(idle_domain->vcpu[cpu], &rs);
		if (guest_to(idle->idletime, cpu, &rs.time[RUNSTATE_running]))
			return -EFAULT;
	}
	idle->now = (uint64_t)time_now();
	return guest_copy_out(idle->cpumap_bitmap.a, &wanted, bytes) ? -EFAULT : 0;
}

/* ---- symbols --------------------------------------------------------------------------------- */

static int op_get_symbol(struct xen_platform_op *op)
{
	struct xenpf_symdata *sym = &op->u.symdata;
	uint32_t room = sym->namelen, len;
	const char *name;

	if (sym->symnum > symbols_count)
		return -ERANGE;
	/* The end shows by a number that doesn't advance. */
	if (sym->symnum == symbols_count) {
		sym->namelen = 0;
		return 0;
	}
	name = symbols_names + symbols_name[sym->symnum];
	len = (uint32_t)strlen(name) + 1;
	sym->address = HV_VIRT_START + symbols_offset[sym->symnum];
	sym->type = 't';
	sym->symnum++;
	sym->namelen = len;
	return guest_copy_out(sym->name.a, name, min(len, room)) ? -EFAULT : 0;
}

/* ---- dispatch ---------------------------------------------------------------------------------- */

#define COPY_BACK 1

struct platform_op_info {
	int (*fn)(struct xen_platform_op *op); /* NULL: not implemented */
	unsigned int flags;
};

#define OP(op, fl) [XENPF_##op] = {op_##op, fl}

static const struct platform_op_info ops[] = {
	OP(settime32, 0),
	OP(settime64, 0),
	OP(add_memtype, 0),
	OP(del_memtype, 0),
	OP(read_memtype, COPY_BACK),
	OP(get_cpu_version, COPY_BACK),
	OP(firmware_info, COPY_BACK),
	OP(enter_acpi_sleep, 0),
	OP(getidletime, COPY_BACK),
	OP(get_cpuinfo, COPY_BACK),
	OP(cpu_online, 0),
	OP(cpu_offline, 0),
	OP(get_symbol, COPY_BACK),
};

long do_platform_op(uint64_t arg)
{
	const struct platform_op_info *info;
	struct xen_platform_op op;
	long rc;

	if (!is_control_domain(current->domain))
		return -EPERM;
	if (guest_copy_in(&op, arg, sizeof(op)))
		return -EFAULT;
	if (op.interface_version != XENPF_INTERFACE_VERSION)
		return -EACCES;
	if (op.cmd >= ARRAY_SIZE(ops))
		return hypercall_no_subop(__HYPERVISOR_platform_op, op.cmd);
	info = &ops[index_nospec(op.cmd, ARRAY_SIZE(ops))];
	if (!info->fn)
		return hypercall_no_subop(__HYPERVISOR_platform_op, op.cmd);
	rc = info->fn(&op);
	if (!rc && (info->flags & COPY_BACK) && guest_copy_out(arg, &op, sizeof(op)))
		rc = -EFAULT;
	return rc;
}
