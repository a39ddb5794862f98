/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The inside of evtchn/: what a port is and how it is found, locked and raised.
 * Others use hv/evtchn.h.
 *
 * Locks, in the order in which they nest:
 *   domain.evtchn_lock  every change of a port's state; two domains' in address
 *                       order. Held, no port of the domain changes state, and a
 *                       connected port's remote domain stays.
 *   virq_lock           who handles the global virqs (interrupts off)
 *   evtchn.lock         one port (interrupts off). A change of state takes it
 *                       besides evtchn_lock; a change that concerns a connected
 *                       port takes that of both ends.
 *   fifo_queue.lock     one queue of the FIFO ABI (interrupts off)
 *
 * So an event may be raised on a port by whoever holds the port's lock, or the
 * lock of the port at its other end, or the domain's evtchn_lock: in each case
 * the port remains what it is (E2). A sender takes one lock only, that of its own
 * end. Debug builds look (evtchn_may_raise) wherever a port is marked pending.
 */
#ifndef EVTCHN_INTERNAL_H
#define EVTCHN_INTERNAL_H

#include <hv/config.h>
#include <hv/evtchn.h>
#include <hv/spinlock.h>
#include <public/xen.h>

enum evtchn_state {
	ECS_FREE,
	ECS_RESERVED, /* being bound, under evtchn_lock: nobody else sees it */
	ECS_UNBOUND,
	ECS_INTERDOMAIN,
	ECS_PIRQ,
	ECS_VIRQ,
	ECS_IPI,
};

struct evtchn {
	struct spinlock lock;
	uint8_t state; /* enum evtchn_state */
	uint8_t priority; /* FIFO ABI */
	uint8_t notify_vcpu; /* where events go */
	uint8_t deferred; /* FIFO ABI: raised, but not in the guest's memory yet */
	uint16_t last; /* FIFO ABI: the queue it was in last, see fifo.c */
	evtchn_port_t port;
	uint32_t data; /* unbound: domid of who may bind; else its port, pirq or virq */
	struct domain *remote; /* interdomain */
};

_Static_assert(MAX_VCPUS <= 256, "notify_vcpu is a byte");
_Static_assert(sizeof(struct evtchn) == 32, "a bucket is half a page");

/* What differs between the ABIs. All but max_ports and name are called as an event is raised. */
struct evtchn_port_ops {
	const char *name;
	unsigned int max_ports;
	/* Marks the port pending and, unless it is masked, tells its vCPU. */
	void (*set_pending)(struct domain *d, struct evtchn *chn);
	void (*clear_pending)(struct domain *d, struct evtchn *chn);
	bool (*is_pending)(struct domain *d, const struct evtchn *chn);
	bool (*is_masked)(struct domain *d, const struct evtchn *chn);
	/* Clears the mask, and tells the vCPU if the port is pending. */
	void (*unmask)(struct domain *d, struct evtchn *chn);
	/* Free, but the guest's structures still refer to it: not to be handed out. */
	bool (*is_busy)(struct domain *d, const struct evtchn *chn);
};

extern const struct evtchn_port_ops evtchn_ops_2l, evtchn_ops_fifo;

/* The port, or NULL. @port may come from a guest. */
struct evtchn *evtchn_from_port(const struct domain *d, evtchn_port_t port);

/*
 * Under evtchn_lock: the lowest free port, in state ECS_RESERVED. -ENOSPC,
 * -ENOMEM, -EINVAL (dying). The caller binds it or frees it.
 */
int evtchn_port_reserve(struct domain *d, struct evtchn **ret_chn);
/* Under evtchn_lock: makes a reserved port what @state says. */
void evtchn_port_bind(struct evtchn *chn, enum evtchn_state state, uint32_t data);
/* Under evtchn_lock: back to free. Not for connected ports. */
void evtchn_port_free(struct domain *d, struct evtchn *chn);
/* Under evtchn_lock: closes a port that has no other end. */
void evtchn_close_local(struct domain *d, struct evtchn *chn);

/* The locks of both ends; interrupts off. */
unsigned long evtchn_lock_ends(struct evtchn *a, struct evtchn *b);
void evtchn_unlock_ends(struct evtchn *a, struct evtchn *b, unsigned long flags);

/* Debug builds: does this CPU hold one of the locks that "Locks" asks for? True otherwise. */
bool evtchn_may_raise(const struct domain *d, const struct evtchn *chn);
/* Raises the event; see "Locks" for what must be held. */
void evtchn_raise(struct domain *d, struct evtchn *chn);
/* Tells the vCPU that it has events to look for. */
void evtchn_notify_vcpu(struct vcpu *v);

bool virq_is_global(unsigned int virq);
long evtchn_bind_virq(struct evtchn_bind_virq *bind);

/* ---- FIFO ABI (fifo.c) ----------------------------------------------------- */

/* The control block's and the array's frames of the current domain. */
long evtchn_fifo_init_control(struct evtchn_init_control *ic);
long evtchn_fifo_expand_array(const struct evtchn_expand_array *ea);
/* Under evtchn_lock: the port's events go to another vCPU from now on. */
void evtchn_fifo_vcpu_changed(struct domain *d, struct evtchn *chn);
/* Under evtchn_lock, with no port of the domain bound: back to the 2-level ABI. */
void evtchn_fifo_teardown(struct domain *d);

#define EVTCHN_LAST_NONE 0xffff

#endif
