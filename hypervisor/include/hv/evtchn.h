/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Event channels: the ports of a domain, in the 2-level and the FIFO ABI.
 *
 *   port state     entered by                       left by
 *   free           close                            any bind
 *   unbound        alloc_unbound                    remote's bind_interdomain, close
 *   interdomain    bind_interdomain (both ends)     close of either end: the other
 *                                                   end becomes unbound again
 *   pirq           bind_pirq                        close
 *   virq, ipi      bind_virq, bind_ipi              close
 *
 * Locks: domain.evtchn_lock (RANK_EVTCHN) for every change of state; two
 * domains' in address order. Sending looks at a port without the domain's lock:
 * each port has a lock word of its own (RANK_EVTCHN_PORT, interrupts off), so that
 * a send never waits for a bind of another port, and an interrupt may send.
 *
 * Ports live in buckets that are published once and freed with the domain;
 * whether a port number is valid depends only on what never shrinks.
 */
#ifndef HV_EVTCHN_H
#define HV_EVTCHN_H

#include <hv/types.h>
#include <public/event_channel.h>

struct domain;
struct vcpu;
struct evtchn_fifo;

/*
 * Made and taken apart with the domain. @max_port: the highest usable one, above
 * zero (-EINVAL), cut to what the ABI has; -ENOMEM. evtchn_destroy closes all ports
 * of a dying domain (or one that was never finished), lets go of its frames, and
 * is preemptible (-ERESTART). vCPUs go with their domain, after that; one that is taken
 * down or reset keeps its ports, as it keeps its number: closing them is its guest's.
 */
int evtchn_init(struct domain *d, unsigned int max_port);
int evtchn_destroy(struct domain *d);
void evtchn_fini(struct domain *d); /* memory, when nobody can look any more */

/* The hypercall. */
long do_event_channel_op(int cmd, uint64_t arg);

/* EVTCHNOP_send for the current domain; also multicall's short path. */
int evtchn_send(struct domain *d, evtchn_port_t port);

/*
 * Raised by the hypervisor. A virq of a vCPU, a global virq of the domain that
 * handles it (normally the control domain), a pirq's port of a domain. All
 * may be called with interrupts off; unbound ones are ignored.
 */
void evtchn_send_virq(struct vcpu *v, unsigned int virq);
void evtchn_send_global_virq(unsigned int virq);
void evtchn_send_port(struct domain *d, evtchn_port_t port);

/*
 * Which domain gets a global virq (domctl set_virq_handler). Holds a reference
 * until another takes over or evtchn_destroy. -EINVAL: not a global one; dying.
 */
int evtchn_set_global_virq_handler(struct domain *d, unsigned int virq);
void evtchn_clear_global_virq_handlers(struct domain *d);

/* Toolstack or hypervisor internal: allocate an unbound port of @d for @remote. */
int evtchn_alloc_unbound(struct domain *d, domid_t remote, evtchn_port_t *ret_port);
int evtchn_close(struct domain *d, evtchn_port_t port);

/* EVTCHNOP_reset: closes all, back to the 2-level ABI. Preemptible (-ERESTART). */
int evtchn_reset(struct domain *d);

/*
 * For SCHEDOP_poll: valid port? pending, masked or not? It sets its bit in
 * domain.poll_mask before it asks; raising an event calls vcpu_poll_wake() for all
 * in there that wait for the port.
 */
bool evtchn_port_is_valid(struct domain *d, evtchn_port_t port);
bool evtchn_port_is_pending(struct domain *d, evtchn_port_t port);

/* Unmasks, and raises the event again if it is pending (hypervisor's own use: pirq EOI). */
int evtchn_unmask(struct domain *d, evtchn_port_t port);

/* vcpu_info has moved: nothing may be lost. */
void evtchn_vcpu_info_moved(struct vcpu *v);

/* A line per port for the debug key. */
void evtchn_dump(struct domain *d);

#endif
