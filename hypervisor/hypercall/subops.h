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

#define SUBOPS_domctl(S)                                                                           \
	S(XEN_DOMCTL_, createdomain, PARTLY, "PV domains only")                                    \
	S(XEN_DOMCTL_, destroydomain, IMPLEMENTED, "")                                             \
	S(XEN_DOMCTL_, pausedomain, IMPLEMENTED, "")                                               \
	S(XEN_DOMCTL_, unpausedomain, IMPLEMENTED, "")                                             \
	S(XEN_DOMCTL_, getdomaininfo, IMPLEMENTED, "")                                             \
	S(XEN_DOMCTL_, setvcpuaffinity, IMPLEMENTED, "")                                           \
	S(XEN_DOMCTL_, shadow_op, PARTLY, "OFF only; -EOPNOTSUPP for the others")                  \
	S(XEN_DOMCTL_, max_mem, IMPLEMENTED, "")                                                   \
	S(XEN_DOMCTL_, setvcpucontext, IMPLEMENTED, "")                                            \
	S(XEN_DOMCTL_, getvcpucontext, IMPLEMENTED, "")                                            \
	S(XEN_DOMCTL_, getvcpuinfo, IMPLEMENTED, "")                                               \
	S(XEN_DOMCTL_, max_vcpus, IMPLEMENTED, "")                                                 \
	S(XEN_DOMCTL_, scheduler_op, PARTLY, "domains' parameters; the policy has none per vCPU")  \
	S(XEN_DOMCTL_, setdomainhandle, IMPLEMENTED, "")                                           \
	S(XEN_DOMCTL_, setdebugging, PARTLY, "shown in getdomaininfo, changes nothing else")       \
	S(XEN_DOMCTL_, irq_permission, IMPLEMENTED, "")                                            \
	S(XEN_DOMCTL_, iomem_permission, IMPLEMENTED, "")                                          \
	S(XEN_DOMCTL_, ioport_permission, IMPLEMENTED, "")                                         \
	S(XEN_DOMCTL_, hypercall_init, IMPLEMENTED, "")                                            \
	S(XEN_DOMCTL_, settimeoffset, IMPLEMENTED, "")                                             \
	S(XEN_DOMCTL_, getvcpuaffinity, IMPLEMENTED, "")                                           \
	S(XEN_DOMCTL_, real_mode_area, NOT, "not of x86")                                          \
	S(XEN_DOMCTL_, resumedomain, IMPLEMENTED, "")                                              \
	S(XEN_DOMCTL_, sendtrigger, PARTLY, "NMI; -ENOSYS for what PV domains have no wire for")   \
	S(XEN_DOMCTL_, subscribe, NOT, "for kernels before the store's control/shutdown")          \
	S(XEN_DOMCTL_, gethvmcontext, NOT, "HVM only")                                             \
	S(XEN_DOMCTL_, sethvmcontext, NOT, "HVM only")                                             \
	S(XEN_DOMCTL_, set_address_size, PARTLY, "64 only: there are no 32-bit domains")           \
	S(XEN_DOMCTL_, get_address_size, IMPLEMENTED, "")                                          \
	S(XEN_DOMCTL_, assign_device, NOT, "no IOMMU: tools go on without for PV domains")         \
	S(XEN_DOMCTL_, bind_pt_irq, NOT, "HVM only")                                               \
	S(XEN_DOMCTL_, memory_mapping, NOT, "HVM only")                                            \
	S(XEN_DOMCTL_, ioport_mapping, NOT, "HVM only")                                            \
	S(XEN_DOMCTL_, set_ext_vcpucontext, PARTLY, "SYSENTER and 32-bit SYSCALL aren't offered")  \
	S(XEN_DOMCTL_, get_ext_vcpucontext, PARTLY, "SYSENTER and 32-bit SYSCALL aren't offered")  \
	S(XEN_DOMCTL_, set_opt_feature, NOT, "not of x86")                                         \
	S(XEN_DOMCTL_, test_assign_device, NOT, "no IOMMU")                                        \
	S(XEN_DOMCTL_, set_target, NOT, "device models of HVM only")                               \
	S(XEN_DOMCTL_, deassign_device, NOT, "no IOMMU")                                           \
	S(XEN_DOMCTL_, unbind_pt_irq, NOT, "HVM only")                                             \
	S(XEN_DOMCTL_, get_device_group, NOT, "no IOMMU")                                          \
	S(XEN_DOMCTL_, debug_op, NOT, "HVM only")                                                  \
	S(XEN_DOMCTL_, gethvmcontext_partial, NOT, "HVM only")                                     \
	S(XEN_DOMCTL_, vm_event_op, NOT, "HVM only")                                               \
	S(XEN_DOMCTL_, mem_sharing_op, NOT, "HVM only")                                            \
	S(XEN_DOMCTL_, gettscinfo, IMPLEMENTED, "")                                                \
	S(XEN_DOMCTL_, settscinfo, PARTLY, "RDTSC is never trapped, whatever the mode")            \
	S(XEN_DOMCTL_, getpageframeinfo3, IMPLEMENTED, "")                                         \
	S(XEN_DOMCTL_, setvcpuextstate, IMPLEMENTED, "")                                           \
	S(XEN_DOMCTL_, getvcpuextstate, IMPLEMENTED, "")                                           \
	S(XEN_DOMCTL_, set_access_required, NOT, "HVM only")                                       \
	S(XEN_DOMCTL_, audit_p2m, NOT, "HVM only")                                                 \
	S(XEN_DOMCTL_, set_virq_handler, IMPLEMENTED, "")                                          \
	S(XEN_DOMCTL_, set_broken_page_p2m, NOT, "HVM only")                                       \
	S(XEN_DOMCTL_, setnodeaffinity, IMPLEMENTED, "there is one node")                          \
	S(XEN_DOMCTL_, getnodeaffinity, IMPLEMENTED, "there is one node")                          \
	S(XEN_DOMCTL_, cacheflush, NOT, "not of x86, whose caches are coherent")                   \
	S(XEN_DOMCTL_, get_vcpu_msrs, IMPLEMENTED, "there are none: PV vCPUs have no own MSRs")    \
	S(XEN_DOMCTL_, set_vcpu_msrs, IMPLEMENTED, "there are none: PV vCPUs have no own MSRs")    \
	S(XEN_DOMCTL_, setvnumainfo, REFUSED, "there is one node")                                 \
	S(XEN_DOMCTL_, psr_cmt_op, NOT, "")                                                        \
	S(XEN_DOMCTL_, monitor_op, NOT, "HVM only")                                                \
	S(XEN_DOMCTL_, psr_alloc, NOT, "")                                                         \
	S(XEN_DOMCTL_, soft_reset, REFUSED, "HVM only")                                            \
	S(XEN_DOMCTL_, vuart_op, NOT, "not of x86")                                                \
	S(XEN_DOMCTL_, get_cpu_policy, IMPLEMENTED, "")                                            \
	S(XEN_DOMCTL_, set_cpu_policy, PARTLY, "features beyond the default are dropped")          \
	S(XEN_DOMCTL_, vmtrace_op, NOT, "HVM only")                                                \
	S(XEN_DOMCTL_, get_paging_mempool_size, REFUSED, "HVM only")                               \
	S(XEN_DOMCTL_, set_paging_mempool_size, REFUSED, "HVM only")                               \
	S(XEN_DOMCTL_, gdbsx_guestmemio, NOT, "")                                                  \
	S(XEN_DOMCTL_, gdbsx_pausevcpu, NOT, "")                                                   \
	S(XEN_DOMCTL_, gdbsx_unpausevcpu, NOT, "")                                                 \
	S(XEN_DOMCTL_, gdbsx_domstatus, NOT, "")

#define SUBOPS_sysctl(S)                                                                           \
	S(XEN_SYSCTL_, readconsole, IMPLEMENTED, "")                                               \
	S(XEN_SYSCTL_, tbuf_op, NOT, "no trace buffers")                                           \
	S(XEN_SYSCTL_, physinfo, IMPLEMENTED, "")                                                  \
	S(XEN_SYSCTL_, sched_id, IMPLEMENTED, "")                                                  \
	S(XEN_SYSCTL_, perfc_op, NOT, "no performance counters")                                   \
	S(XEN_SYSCTL_, getdomaininfolist, IMPLEMENTED, "")                                         \
	S(XEN_SYSCTL_, debug_keys, IMPLEMENTED, "")                                                \
	S(XEN_SYSCTL_, getcpuinfo, IMPLEMENTED, "")                                                \
	S(XEN_SYSCTL_, availheap, IMPLEMENTED, "")                                                 \
	S(XEN_SYSCTL_, get_pmstat, NOT, "no power management of CPUs")                             \
	S(XEN_SYSCTL_, cpu_hotplug, REFUSED, "the CPUs of the start stay")                         \
	S(XEN_SYSCTL_, pm_op, NOT, "no power management of CPUs")                                  \
	S(XEN_SYSCTL_, page_offline_op, NOT, "")                                                   \
	S(XEN_SYSCTL_, lockprof_op, NOT, "no lock profile")                                        \
	S(XEN_SYSCTL_, cputopoinfo, IMPLEMENTED, "")                                               \
	S(XEN_SYSCTL_, numainfo, IMPLEMENTED, "there is one node")                                 \
	S(XEN_SYSCTL_, cpupool_op, PARTLY, "one pool with all CPUs, which can't be changed")       \
	S(XEN_SYSCTL_, scheduler_op, IMPLEMENTED, "")                                              \
	S(XEN_SYSCTL_, coverage_op, NOT, "")                                                       \
	S(XEN_SYSCTL_, psr_cmt_op, NOT, "")                                                        \
	S(XEN_SYSCTL_, pcitopoinfo, IMPLEMENTED, "there is one node")                              \
	S(XEN_SYSCTL_, psr_alloc, NOT, "")                                                         \
	S(XEN_SYSCTL_, get_cpu_levelling_caps, IMPLEMENTED, "none")                                \
	S(XEN_SYSCTL_, get_cpu_featureset, PARTLY, "raw, host and PV")                             \
	S(XEN_SYSCTL_, livepatch_op, NOT, "")                                                      \
	S(XEN_SYSCTL_, get_cpu_policy, PARTLY, "raw, host and PV")

#endif
