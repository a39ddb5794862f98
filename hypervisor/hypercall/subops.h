/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Every sub-operation of the hypercalls that have some, once:
 *	S(PREFIX, name, STATUS, "remark")
 * PREFIX##name is its number in the public headers. From these lists come the
 * names in messages, the dispatch tables and prototypes of domctl and sysctl, and
 * docs/abi/hypercalls.md, which a test compares with them. STATUS is one of
 *	IMPLEMENTED  as the ABI says
 *	PARTLY       but for what the remark says
 *	REFUSED      known, and answered -EOPNOTSUPP: tools take that as an answer
 *	NOT          -ENOSYS, said once in the log
 */
#ifndef HYPERCALL_SUBOPS_H
#define HYPERCALL_SUBOPS_H

#define SUBOPS_xen_version(S)                                                                  \
	S(XENVER_, version, IMPLEMENTED, "")                                                   \
	S(XENVER_, extraversion, IMPLEMENTED, "")                                              \
	S(XENVER_, compile_info, IMPLEMENTED, "no date: the same source gives the same image") \
	S(XENVER_, capabilities, IMPLEMENTED, "")                                              \
	S(XENVER_, changeset, IMPLEMENTED, "")                                                 \
	S(XENVER_, platform_parameters, IMPLEMENTED, "")                                       \
	S(XENVER_, get_features, IMPLEMENTED, "")                                              \
	S(XENVER_, pagesize, IMPLEMENTED, "")                                                  \
	S(XENVER_, guest_handle, IMPLEMENTED, "")                                              \
	S(XENVER_, commandline, IMPLEMENTED, "\"<denied>\" for all but the control domain")    \
	S(XENVER_, build_id, IMPLEMENTED, "the control domain only")

#define SUBOPS_memory_op(S)                                                    \
	S(XENMEM_, increase_reservation, IMPLEMENTED, "")                      \
	S(XENMEM_, decrease_reservation, IMPLEMENTED, "")                      \
	S(XENMEM_, maximum_ram_page, IMPLEMENTED, "")                          \
	S(XENMEM_, current_reservation, IMPLEMENTED, "")                       \
	S(XENMEM_, maximum_reservation, IMPLEMENTED, "")                       \
	S(XENMEM_, machphys_mfn_list, IMPLEMENTED, "")                         \
	S(XENMEM_, populate_physmap, IMPLEMENTED, "")                          \
	S(XENMEM_, add_to_physmap, NOT, "translated domains only")             \
	S(XENMEM_, memory_map, IMPLEMENTED, "")                                \
	S(XENMEM_, machine_memory_map, IMPLEMENTED, "")                        \
	S(XENMEM_, exchange, IMPLEMENTED, "")                                  \
	S(XENMEM_, machphys_mapping, IMPLEMENTED, "")                          \
	S(XENMEM_, set_memory_map, IMPLEMENTED, "")                            \
	S(XENMEM_, maximum_gpfn, IMPLEMENTED, "")                              \
	S(XENMEM_, remove_from_physmap, NOT, "translated domains only")        \
	S(XENMEM_, set_pod_target, NOT, "HVM only")                            \
	S(XENMEM_, get_pod_target, NOT, "HVM only")                            \
	S(XENMEM_, get_sharing_freed_pages, IMPLEMENTED, "nothing is shared")  \
	S(XENMEM_, get_sharing_shared_pages, IMPLEMENTED, "nothing is shared") \
	S(XENMEM_, paging_op, NOT, "HVM only")                                 \
	S(XENMEM_, access_op, NOT, "HVM only")                                 \
	S(XENMEM_, sharing_op, NOT, "HVM only")                                \
	S(XENMEM_, add_to_physmap_batch, NOT, "translated domains only")       \
	S(XENMEM_, claim_pages, IMPLEMENTED, "")                               \
	S(XENMEM_, machphys_compat_mfn_list, NOT, "for 32-bit domains")        \
	S(XENMEM_, get_vnumainfo, REFUSED, "there is one node")                \
	S(XENMEM_, reserved_device_memory_map, NOT, "no IOMMU")                \
	S(XENMEM_, acquire_resource, PARTLY, "grant and status frames; -EOPNOTSUPP for the others")

#define SUBOPS_sched_op(S)                            \
	S(SCHEDOP_, yield, IMPLEMENTED, "")           \
	S(SCHEDOP_, block, IMPLEMENTED, "")           \
	S(SCHEDOP_, shutdown, IMPLEMENTED, "")        \
	S(SCHEDOP_, poll, IMPLEMENTED, "")            \
	S(SCHEDOP_, remote_shutdown, IMPLEMENTED, "") \
	S(SCHEDOP_, shutdown_code, IMPLEMENTED, "")   \
	S(SCHEDOP_, watchdog, NOT, "")                \
	S(SCHEDOP_, pin_override, NOT, "")

#define SUBOPS_vcpu_op(S)                                          \
	S(VCPUOP_, initialise, IMPLEMENTED, "")                    \
	S(VCPUOP_, up, IMPLEMENTED, "")                            \
	S(VCPUOP_, down, IMPLEMENTED, "")                          \
	S(VCPUOP_, is_up, IMPLEMENTED, "")                         \
	S(VCPUOP_, get_runstate_info, IMPLEMENTED, "")             \
	S(VCPUOP_, register_runstate_memory_area, IMPLEMENTED, "") \
	S(VCPUOP_, set_periodic_timer, IMPLEMENTED, "")            \
	S(VCPUOP_, stop_periodic_timer, IMPLEMENTED, "")           \
	S(VCPUOP_, set_singleshot_timer, IMPLEMENTED, "")          \
	S(VCPUOP_, stop_singleshot_timer, IMPLEMENTED, "")         \
	S(VCPUOP_, register_vcpu_info, IMPLEMENTED, "")            \
	S(VCPUOP_, send_nmi, IMPLEMENTED, "")                      \
	S(VCPUOP_, get_physid, NOT, "")                            \
	S(VCPUOP_, register_vcpu_time_memory_area, IMPLEMENTED, "")

#define SUBOPS_event_channel_op(S)                      \
	S(EVTCHNOP_, bind_interdomain, IMPLEMENTED, "") \
	S(EVTCHNOP_, bind_virq, IMPLEMENTED, "")        \
	S(EVTCHNOP_, bind_pirq, IMPLEMENTED, "")        \
	S(EVTCHNOP_, close, IMPLEMENTED, "")            \
	S(EVTCHNOP_, send, IMPLEMENTED, "")             \
	S(EVTCHNOP_, status, IMPLEMENTED, "")           \
	S(EVTCHNOP_, alloc_unbound, IMPLEMENTED, "")    \
	S(EVTCHNOP_, bind_ipi, IMPLEMENTED, "")         \
	S(EVTCHNOP_, bind_vcpu, IMPLEMENTED, "")        \
	S(EVTCHNOP_, unmask, IMPLEMENTED, "")           \
	S(EVTCHNOP_, reset, IMPLEMENTED, "")            \
	S(EVTCHNOP_, init_control, IMPLEMENTED, "")     \
	S(EVTCHNOP_, expand_array, IMPLEMENTED, "")     \
	S(EVTCHNOP_, set_priority, IMPLEMENTED, "")

#define SUBOPS_physdev_op(S)                                                \
	S(PHYSDEVOP_, IRQ_UNMASK_NOTIFY, NOT, "of an interface before 4.0") \
	S(PHYSDEVOP_, irq_status_query, IMPLEMENTED, "")                    \
	S(PHYSDEVOP_, set_iopl, IMPLEMENTED, "")                            \
	S(PHYSDEVOP_, set_iobitmap, IMPLEMENTED, "")                        \
	S(PHYSDEVOP_, apic_read, IMPLEMENTED, "")                           \
	S(PHYSDEVOP_, apic_write, PARTLY, "-EPERM: setup_gsi is for that")  \
	S(PHYSDEVOP_, alloc_irq_vector, IMPLEMENTED, "")                    \
	S(PHYSDEVOP_, free_irq_vector, IMPLEMENTED, "")                     \
	S(PHYSDEVOP_, eoi, IMPLEMENTED, "")                                 \
	S(PHYSDEVOP_, map_pirq, IMPLEMENTED, "")                            \
	S(PHYSDEVOP_, unmap_pirq, IMPLEMENTED, "")                          \
	S(PHYSDEVOP_, manage_pci_add, IMPLEMENTED, "")                      \
	S(PHYSDEVOP_, manage_pci_remove, IMPLEMENTED, "")                   \
	S(PHYSDEVOP_, pirq_eoi_gmfn_v1, IMPLEMENTED, "")                    \
	S(PHYSDEVOP_, restore_msi, IMPLEMENTED, "")                         \
	S(PHYSDEVOP_, manage_pci_add_ext, IMPLEMENTED, "")                  \
	S(PHYSDEVOP_, setup_gsi, IMPLEMENTED, "")                           \
	S(PHYSDEVOP_, get_free_pirq, IMPLEMENTED, "")                       \
	S(PHYSDEVOP_, pci_mmcfg_reserved, IMPLEMENTED, "")                  \
	S(PHYSDEVOP_, pci_device_add, IMPLEMENTED, "")                      \
	S(PHYSDEVOP_, pci_device_remove, IMPLEMENTED, "")                   \
	S(PHYSDEVOP_, restore_msi_ext, IMPLEMENTED, "")                     \
	S(PHYSDEVOP_, pirq_eoi_gmfn_v2, IMPLEMENTED, "")                    \
	S(PHYSDEVOP_, dbgp_op, NOT, "no USB debug port")                    \
	S(PHYSDEVOP_, prepare_msix, IMPLEMENTED, "")                        \
	S(PHYSDEVOP_, release_msix, IMPLEMENTED, "")

#define SUBOPS_mca(S)                                                               \
	S(XEN_MC_, fetch, IMPLEMENTED, "what was found by looking; nothing urgent") \
	S(XEN_MC_, notifydomain, NOT, "")                                           \
	S(XEN_MC_, physcpuinfo, IMPLEMENTED, "")                                    \
	S(XEN_MC_, msrinject, NOT, "")                                              \
	S(XEN_MC_, mceinject, NOT, "")                                              \
	S(XEN_MC_, inject_v2, NOT, "")

#define SUBOPS_platform_op(S)                                                      \
	S(XENPF_, settime32, IMPLEMENTED, "")                                      \
	S(XENPF_, add_memtype, REFUSED, "memory types are chosen by PAT")          \
	S(XENPF_, del_memtype, REFUSED, "memory types are chosen by PAT")          \
	S(XENPF_, read_memtype, IMPLEMENTED, "")                                   \
	S(XENPF_, microcode_update, NOT, "")                                       \
	S(XENPF_, platform_quirk, NOT, "")                                         \
	S(XENPF_, get_cpu_version, IMPLEMENTED, "")                                \
	S(XENPF_, efi_runtime_call, NOT, "kernels go on without")                  \
	S(XENPF_, firmware_info, PARTLY, "EFI's tables; what a BIOS knew is gone") \
	S(XENPF_, enter_acpi_sleep, PARTLY, "S5 (off) only")                       \
	S(XENPF_, change_freq, NOT, "")                                            \
	S(XENPF_, getidletime, IMPLEMENTED, "")                                    \
	S(XENPF_, set_processor_pminfo, NOT, "an idle CPU halts")                  \
	S(XENPF_, get_cpuinfo, IMPLEMENTED, "")                                    \
	S(XENPF_, cpu_online, PARTLY, "the CPUs of the start stay")                \
	S(XENPF_, cpu_offline, REFUSED, "the CPUs of the start stay")              \
	S(XENPF_, cpu_hotadd, NOT, "")                                             \
	S(XENPF_, mem_hotadd, NOT, "")                                             \
	S(XENPF_, core_parking, NOT, "")                                           \
	S(XENPF_, resource_op, NOT, "")                                            \
	S(XENPF_, settime64, IMPLEMENTED, "")                                      \
	S(XENPF_, get_symbol, IMPLEMENTED, "")

#define SUBOPS_mmu_update(S)                            \
	S(MMU_, NORMAL_PT_UPDATE, IMPLEMENTED, "")      \
	S(MMU_, MACHPHYS_UPDATE, IMPLEMENTED, "")       \
	S(MMU_, PT_UPDATE_PRESERVE_AD, IMPLEMENTED, "") \
	S(MMU_, PT_UPDATE_NO_TRANSLATE, IMPLEMENTED, "")

#define SUBOPS_mmuext_op(S)                                              \
	S(MMUEXT_, PIN_L1_TABLE, IMPLEMENTED, "")                        \
	S(MMUEXT_, PIN_L2_TABLE, IMPLEMENTED, "")                        \
	S(MMUEXT_, PIN_L3_TABLE, IMPLEMENTED, "")                        \
	S(MMUEXT_, PIN_L4_TABLE, IMPLEMENTED, "")                        \
	S(MMUEXT_, UNPIN_TABLE, IMPLEMENTED, "")                         \
	S(MMUEXT_, NEW_BASEPTR, IMPLEMENTED, "")                         \
	S(MMUEXT_, TLB_FLUSH_LOCAL, IMPLEMENTED, "")                     \
	S(MMUEXT_, INVLPG_LOCAL, IMPLEMENTED, "")                        \
	S(MMUEXT_, TLB_FLUSH_MULTI, IMPLEMENTED, "")                     \
	S(MMUEXT_, INVLPG_MULTI, IMPLEMENTED, "")                        \
	S(MMUEXT_, TLB_FLUSH_ALL, IMPLEMENTED, "")                       \
	S(MMUEXT_, INVLPG_ALL, IMPLEMENTED, "")                          \
	S(MMUEXT_, FLUSH_CACHE, IMPLEMENTED, "")                         \
	S(MMUEXT_, SET_LDT, IMPLEMENTED, "")                             \
	S(MMUEXT_, NEW_USER_BASEPTR, IMPLEMENTED, "")                    \
	S(MMUEXT_, CLEAR_PAGE, IMPLEMENTED, "")                          \
	S(MMUEXT_, COPY_PAGE, IMPLEMENTED, "")                           \
	S(MMUEXT_, FLUSH_CACHE_GLOBAL, PARTLY, "this CPU's caches only") \
	S(MMUEXT_, MARK_SUPER, REFUSED, "no large pages")                \
	S(MMUEXT_, UNMARK_SUPER, REFUSED, "no large pages")

#define SUBOPS_grant_table_op(S)                                                  \
	S(GNTTABOP_, map_grant_ref, IMPLEMENTED, "")                              \
	S(GNTTABOP_, unmap_grant_ref, IMPLEMENTED, "")                            \
	S(GNTTABOP_, setup_table, IMPLEMENTED, "")                                \
	S(GNTTABOP_, dump_table, IMPLEMENTED, "")                                 \
	S(GNTTABOP_, transfer, PARTLY, "each one fails with GNTST_general_error") \
	S(GNTTABOP_, copy, IMPLEMENTED, "")                                       \
	S(GNTTABOP_, query_size, IMPLEMENTED, "")                                 \
	S(GNTTABOP_, unmap_and_replace, IMPLEMENTED, "")                          \
	S(GNTTABOP_, set_version, IMPLEMENTED, "")                                \
	S(GNTTABOP_, get_status_frames, IMPLEMENTED, "")                          \
	S(GNTTABOP_, get_version, IMPLEMENTED, "")                                \
	S(GNTTABOP_, swap_grant_ref, IMPLEMENTED, "")                             \
	S(GNTTABOP_, cache_flush, REFUSED, "not of x86, whose caches are coherent")

#define SUBOPS_vm_assist(S)                                                                   \
	S(VMASST_TYPE_, 4gb_segments, IMPLEMENTED, "of 32-bit domains: has no effect")        \
	S(VMASST_TYPE_, 4gb_segments_notify, IMPLEMENTED, "of 32-bit domains: has no effect") \
	S(VMASST_TYPE_, writable_pagetables, IMPLEMENTED, "always on")                        \
	S(VMASST_TYPE_, pae_extended_cr3, IMPLEMENTED, "of 32-bit domains: has no effect")    \
	S(VMASST_TYPE_, architectural_iopl, NOT, "-EINVAL")                                   \
	S(VMASST_TYPE_, runstate_update_flag, IMPLEMENTED, "")                                \
	S(VMASST_TYPE_, m2p_strict, NOT, "-EINVAL")

#define SUBOPS_set_segment_base(S)              \
	S(SEGBASE_, FS, IMPLEMENTED, "")        \
	S(SEGBASE_, GS_USER, IMPLEMENTED, "")   \
	S(SEGBASE_, GS_KERNEL, IMPLEMENTED, "") \
	S(SEGBASE_, GS_USER_SEL, IMPLEMENTED, "")

#define SUBOPS_callback_op(S)                                          \
	S(CALLBACKOP_, register, PARTLY,                               \
	  "event, failsafe, syscall, nmi; others are for 32-bit code") \
	S(CALLBACKOP_, unregister, IMPLEMENTED, "")

#define SUBOPS_nmi_op(S)                               \
	S(XENNMI_, register_callback, IMPLEMENTED, "") \
	S(XENNMI_, unregister_callback, IMPLEMENTED, "")

#define SUBOPS_console_io(S)                                                                 \
	S(CONSOLEIO_, write, IMPLEMENTED, "other domains' lines go to the log, level debug") \
	S(CONSOLEIO_, read, IMPLEMENTED, "the control domain only")

#define SUBOPS_domctl(S)                                                                          \
	S(XEN_DOMCTL_, createdomain, PARTLY, "PV domains only")                                   \
	S(XEN_DOMCTL_, destroydomain, IMPLEMENTED, "")                                            \
	S(XEN_DOMCTL_, pausedomain, IMPLEMENTED, "")                                              \
	S(XEN_DOMCTL_, unpausedomain, IMPLEMENTED, "")                                            \
	S(XEN_DOMCTL_, getdomaininfo, IMPLEMENTED, "")                                            \
	S(XEN_DOMCTL_, setvcpuaffinity, IMPLEMENTED, "")                                          \
	S(XEN_DOMCTL_, shadow_op, PARTLY, "OFF only; -EOPNOTSUPP for the others")                 \
	S(XEN_DOMCTL_, max_mem, IMPLEMENTED, "")                                                  \
	S(XEN_DOMCTL_, setvcpucontext, IMPLEMENTED, "")                                           \
	S(XEN_DOMCTL_, getvcpucontext, IMPLEMENTED, "")                                           \
	S(XEN_DOMCTL_, getvcpuinfo, IMPLEMENTED, "")                                              \
	S(XEN_DOMCTL_, max_vcpus, IMPLEMENTED, "")                                                \
	S(XEN_DOMCTL_, scheduler_op, PARTLY, "domains' parameters; the policy has none per vCPU") \
	S(XEN_DOMCTL_, setdomainhandle, IMPLEMENTED, "")                                          \
	S(XEN_DOMCTL_, setdebugging, PARTLY, "shown in getdomaininfo, changes nothing else")      \
	S(XEN_DOMCTL_, irq_permission, IMPLEMENTED, "")                                           \
	S(XEN_DOMCTL_, iomem_permission, IMPLEMENTED, "")                                         \
	S(XEN_DOMCTL_, ioport_permission, IMPLEMENTED, "")                                        \
	S(XEN_DOMCTL_, hypercall_init, IMPLEMENTED, "")                                           \
	S(XEN_DOMCTL_, settimeoffset, IMPLEMENTED, "")                                            \
	S(XEN_DOMCTL_, getvcpuaffinity, IMPLEMENTED, "")                                          \
	S(XEN_DOMCTL_, real_mode_area, NOT, "not of x86")                                         \
	S(XEN_DOMCTL_, resumedomain, IMPLEMENTED, "")                                             \
	S(XEN_DOMCTL_, sendtrigger, PARTLY, "NMI; -ENOSYS for what PV domains have no wire for")  \
	S(XEN_DOMCTL_, subscribe, NOT, "for kernels before the store's control/shutdown")         \
	S(XEN_DOMCTL_, gethvmcontext, NOT, "HVM only")                                            \
	S(XEN_DOMCTL_, sethvmcontext, NOT, "HVM only")                                            \
	S(XEN_DOMCTL_, set_address_size, PARTLY, "64 only: there are no 32-bit domains")          \
	S(XEN_DOMCTL_, get_address_size, IMPLEMENTED, "")                                         \
	S(XEN_DOMCTL_, assign_device, NOT, "no IOMMU: tools go on without for PV domains")        \
	S(XEN_DOMCTL_, bind_pt_irq, NOT, "HVM only")                                              \
	S(XEN_DOMCTL_, memory_mapping, NOT, "HVM only")                                           \
	S(XEN_DOMCTL_, ioport_mapping, NOT, "HVM only")                                           \
	S(XEN_DOMCTL_, set_ext_vcpucontext, PARTLY, "SYSENTER and 32-bit SYSCALL aren't offered") \
	S(XEN_DOMCTL_, get_ext_vcpucontext, PARTLY, "SYSENTER and 32-bit SYSCALL aren't offered") \
	S(XEN_DOMCTL_, set_opt_feature, NOT, "not of x86")                                        \
	S(XEN_DOMCTL_, test_assign_device, NOT, "no IOMMU")                                       \
	S(XEN_DOMCTL_, set_target, NOT, "device models of HVM only")                              \
	S(XEN_DOMCTL_, deassign_device, NOT, "no IOMMU")                                          \
	S(XEN_DOMCTL_, unbind_pt_irq, NOT, "HVM only")                                            \
	S(XEN_DOMCTL_, get_device_group, NOT, "no IOMMU")                                         \
	S(XEN_DOMCTL_, debug_op, NOT, "HVM only")                                                 \
	S(XEN_DOMCTL_, gethvmcontext_partial, NOT, "HVM only")                                    \
	S(XEN_DOMCTL_, vm_event_op, NOT, "HVM only")                                              \
	S(XEN_DOMCTL_, mem_sharing_op, NOT, "HVM only")                                           \
	S(XEN_DOMCTL_, gettscinfo, IMPLEMENTED, "")                                               \
	S(XEN_DOMCTL_, settscinfo, PARTLY, "RDTSC is never trapped, whatever the mode")           \
	S(XEN_DOMCTL_, getpageframeinfo3, IMPLEMENTED, "")                                        \
	S(XEN_DOMCTL_, setvcpuextstate, IMPLEMENTED, "")                                          \
	S(XEN_DOMCTL_, getvcpuextstate, IMPLEMENTED, "")                                          \
	S(XEN_DOMCTL_, set_access_required, NOT, "HVM only")                                      \
	S(XEN_DOMCTL_, audit_p2m, NOT, "HVM only")                                                \
	S(XEN_DOMCTL_, set_virq_handler, IMPLEMENTED, "")                                         \
	S(XEN_DOMCTL_, set_broken_page_p2m, NOT, "HVM only")                                      \
	S(XEN_DOMCTL_, setnodeaffinity, IMPLEMENTED, "there is one node")                         \
	S(XEN_DOMCTL_, getnodeaffinity, IMPLEMENTED, "there is one node")                         \
	S(XEN_DOMCTL_, cacheflush, NOT, "not of x86, whose caches are coherent")                  \
	S(XEN_DOMCTL_, get_vcpu_msrs, IMPLEMENTED, "there are none: PV vCPUs have no own MSRs")   \
	S(XEN_DOMCTL_, set_vcpu_msrs, IMPLEMENTED, "there are none: PV vCPUs have no own MSRs")   \
	S(XEN_DOMCTL_, setvnumainfo, REFUSED, "there is one node")                                \
	S(XEN_DOMCTL_, psr_cmt_op, NOT, "")                                                       \
	S(XEN_DOMCTL_, monitor_op, NOT, "HVM only")                                               \
	S(XEN_DOMCTL_, psr_alloc, NOT, "")                                                        \
	S(XEN_DOMCTL_, soft_reset, REFUSED, "HVM only")                                           \
	S(XEN_DOMCTL_, vuart_op, NOT, "not of x86")                                               \
	S(XEN_DOMCTL_, get_cpu_policy, IMPLEMENTED, "")                                           \
	S(XEN_DOMCTL_, set_cpu_policy, PARTLY, "features beyond the default are dropped")         \
	S(XEN_DOMCTL_, vmtrace_op, NOT, "HVM only")                                               \
	S(XEN_DOMCTL_, get_paging_mempool_size, REFUSED, "HVM only")                              \
	S(XEN_DOMCTL_, set_paging_mempool_size, REFUSED, "HVM only")                              \
	S(XEN_DOMCTL_, gdbsx_guestmemio, NOT, "")                                                 \
	S(XEN_DOMCTL_, gdbsx_pausevcpu, NOT, "")                                                  \
	S(XEN_DOMCTL_, gdbsx_unpausevcpu, NOT, "")                                                \
	S(XEN_DOMCTL_, gdbsx_domstatus, NOT, "")

#define SUBOPS_sysctl(S)                                                                     \
	S(XEN_SYSCTL_, readconsole, IMPLEMENTED, "")                                         \
	S(XEN_SYSCTL_, tbuf_op, NOT, "no trace buffers")                                     \
	S(XEN_SYSCTL_, physinfo, IMPLEMENTED, "")                                            \
	S(XEN_SYSCTL_, sched_id, IMPLEMENTED, "")                                            \
	S(XEN_SYSCTL_, perfc_op, NOT, "no performance counters")                             \
	S(XEN_SYSCTL_, getdomaininfolist, IMPLEMENTED, "")                                   \
	S(XEN_SYSCTL_, debug_keys, IMPLEMENTED, "")                                          \
	S(XEN_SYSCTL_, getcpuinfo, IMPLEMENTED, "")                                          \
	S(XEN_SYSCTL_, availheap, IMPLEMENTED, "")                                           \
	S(XEN_SYSCTL_, get_pmstat, NOT, "no power management of CPUs")                       \
	S(XEN_SYSCTL_, cpu_hotplug, REFUSED, "the CPUs of the start stay")                   \
	S(XEN_SYSCTL_, pm_op, NOT, "no power management of CPUs")                            \
	S(XEN_SYSCTL_, page_offline_op, NOT, "")                                             \
	S(XEN_SYSCTL_, lockprof_op, NOT, "no lock profile")                                  \
	S(XEN_SYSCTL_, cputopoinfo, IMPLEMENTED, "")                                         \
	S(XEN_SYSCTL_, numainfo, IMPLEMENTED, "there is one node")                           \
	S(XEN_SYSCTL_, cpupool_op, PARTLY, "one pool with all CPUs, which can't be changed") \
	S(XEN_SYSCTL_, scheduler_op, IMPLEMENTED, "")                                        \
	S(XEN_SYSCTL_, coverage_op, NOT, "")                                                 \
	S(XEN_SYSCTL_, psr_cmt_op, NOT, "")                                                  \
	S(XEN_SYSCTL_, pcitopoinfo, IMPLEMENTED, "there is one node")                        \
	S(XEN_SYSCTL_, psr_alloc, NOT, "")                                                   \
	S(XEN_SYSCTL_, get_cpu_levelling_caps, IMPLEMENTED, "none")                          \
	S(XEN_SYSCTL_, get_cpu_featureset, PARTLY, "raw, host and PV")                       \
	S(XEN_SYSCTL_, livepatch_op, NOT, "")                                                \
	S(XEN_SYSCTL_, get_cpu_policy, PARTLY, "raw, host and PV")

/* The hypercalls that have such a list, by their names: F(name). */
#define HYPERCALLS_WITH_SUBOPS(F) \
	F(xen_version)            \
	F(memory_op)              \
	F(sched_op)               \
	F(vcpu_op)                \
	F(event_channel_op)       \
	F(physdev_op)             \
	F(platform_op)            \
	F(mmu_update)             \
	F(mmuext_op)              \
	F(grant_table_op)         \
	F(vm_assist)              \
	F(set_segment_base)       \
	F(callback_op)            \
	F(nmi_op)                 \
	F(console_io)             \
	F(domctl)                 \
	F(mca)                    \
	F(sysctl)

#endif
