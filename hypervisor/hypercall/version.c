/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* The xen_version hypercall: what we are, and what a guest may count on. */
#include <hv/cmdline.h>
#include <hv/domain.h>
#include <hv/guest_access.h>
#include <hv/hypercall.h>
#include <hv/lib.h>
#include <hv/version.h>
#include <public/features.h>
#include <public/version.h>
#include <arch/layout.h>
#include <arch/setup.h>

#define NOTE_HEADER 16 /* ELF note header and the name "GNU\0" */

static long out_string(uint64_t arg, const char *s, size_t size)
{
	char buf[1024] = {0};

	hv_strlcpy(buf, s, size);
	return guest_copy_out(arg, buf, size) ? -EFAULT : 0;
}

static long compile_info(uint64_t arg)
{
	struct xen_compile_info i;

	memset(&i, 0, sizeof(i)); /* (X4) what the strings leave, too */
	hv_strlcpy(i.compiler, HV_COMPILER, sizeof(i.compiler));
	hv_strlcpy(i.compile_by, "pavise", sizeof(i.compile_by));
	hv_strlcpy(i.compile_domain, "", sizeof(i.compile_domain));
	/* A date would make two builds of the same source differ. */
	hv_strlcpy(i.compile_date, "Pavise " HV_VERSION_STRING, sizeof(i.compile_date));
	return guest_copy_out(arg, &i, sizeof(i)) ? -EFAULT : 0;
}

static long get_features(uint64_t arg)
{
	const struct domain *d = current->domain;
	struct xen_feature_info f;

	if (guest_copy_in(&f, arg, sizeof(f)))
		return -EFAULT;
	if (f.submap_idx)
		return -EINVAL;
	f.submap = 1U << XENFEAT_mmu_pt_update_preserve_ad | 1U << XENFEAT_highmem_assist |
		   1U << XENFEAT_gnttab_map_avail_bits | 1U << XENFEAT_not_direct_mapped;
	/* Who has asked for it is told that it has it. */
	if (d->vm_assist >> VMASST_TYPE_pae_extended_cr3 & 1)
		f.submap |= 1U << XENFEAT_pae_pgdir_above_4gb;
	if (d->is_hardware)
		f.submap |= 1U << XENFEAT_dom0;
	return guest_copy_out(arg, &f, sizeof(f)) ? -EFAULT : 0;
}

static long build_id(uint64_t arg)
{
	const char *id = __build_id_start + NOTE_HEADER;
	struct xen_build_id head;
	size_t len = (size_t)(__build_id_end - __build_id_start);

	if (len <= NOTE_HEADER)
		return -ENODATA;
	len -= NOTE_HEADER;
	if (!arg)
		return (long)len;
	if (guest_copy_in(&head, arg, offsetof(struct xen_build_id, buf)))
		return -EFAULT;
	if (!head.len)
		return -EINVAL;
	if (head.len < len)
		return -ENOBUFS;
	return guest_copy_out(arg + offsetof(struct xen_build_id, buf), id, len) ? -EFAULT
										 : (long)len;
}

static long platform_parameters(uint64_t arg)
{
	struct xen_platform_parameters p = {.virt_start = HYPERVISOR_START};

	return guest_copy_out(arg, &p, sizeof(p)) ? -EFAULT : 0;
}

long do_xen_version(unsigned int cmd, uint64_t arg)
{
	switch (cmd) {
	case XENVER_version:
		return HV_ABI_VERSION;
	case XENVER_extraversion:
		return out_string(arg, HV_EXTRAVERSION, sizeof(xen_extraversion_t));
	case XENVER_compile_info:
		return compile_info(arg);
	case XENVER_capabilities:
		return out_string(arg, HV_CAPABILITIES, sizeof(xen_capabilities_info_t));
	case XENVER_changeset:
		return out_string(arg, "pavise-" HV_VERSION_STRING, sizeof(xen_changeset_info_t));
	case XENVER_platform_parameters:
		return platform_parameters(arg);
	case XENVER_get_features:
		return get_features(arg);
	case XENVER_pagesize:
		return arg ? -EINVAL : (long)PAGE_SIZE;
	case XENVER_guest_handle:
		return guest_copy_out(arg, current->domain->handle, sizeof(xen_domain_handle_t))
			       ? -EFAULT
			       : 0;
	case XENVER_commandline:
		/* Only the control domain has business with it. */
		return out_string(arg,
				  is_control_domain(current->domain) ? cmdline_saved() : "<denied>",
				  sizeof(xen_commandline_t));
	case XENVER_build_id:
		/* It names our very build, and with that its faults. */
		return is_control_domain(current->domain) ? build_id(arg) : -EPERM;
	default:
		return hypercall_no_subop(__HYPERVISOR_xen_version, cmd);
	}
}
