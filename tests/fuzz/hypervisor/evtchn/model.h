/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * What ports are, as the ABI has it: states, both ends of a connection, which
 * events have been raised and not been handled. It says what each operation has to
 * answer, and afterwards what must be there.
 */
#ifndef FUZZ_EVTCHN_MODEL_H
#define FUZZ_EVTCHN_MODEL_H

#include <hv/domain.h>
#include <hv/evtchn.h>

#define MODEL_DOMAINS 3
#define MODEL_PORTS   72 /* one more than the highest */
#define MODEL_VCPUS   4

struct model_port {
	unsigned int status; /* EVTCHNSTAT_*; closed is free */
	unsigned int vcpu;
	unsigned int dom, port; /* the other end; who may be it */
	unsigned int data; /* virq, pirq */
	bool pending;
};

struct model_domain {
	struct domain *d;
	bool dead, fifo;
	unsigned int vcpus;
	struct model_port port[MODEL_PORTS];
	/* The guest's own memory in the FIFO ABI */
	event_word_t *words;
	struct evtchn_fifo_control_block *block[MODEL_VCPUS];
};

extern struct model_domain model[MODEL_DOMAINS];

/* The domain that @id is for @me; -ESRCH, -EPERM if it may only be its own. */
int model_target(unsigned int me, unsigned int id, bool others, unsigned int *ret);
bool model_masked(unsigned int dom, unsigned int port);

/*
 * Operations of @me, done at once. 0 and above: it must succeed, with this port;
 * below: it must fail with this.
 */
int model_alloc_unbound(unsigned int me, unsigned int dom, unsigned int remote);
int model_bind_interdomain(unsigned int me, unsigned int dom, unsigned int port);
int model_bind_virq(unsigned int me, unsigned int virq, unsigned int vcpu);
int model_bind_ipi(unsigned int me, unsigned int vcpu);
int model_bind_pirq(unsigned int me, unsigned int pirq);
int model_close(unsigned int me, unsigned int port);
int model_send(unsigned int me, unsigned int port);
int model_bind_vcpu(unsigned int me, unsigned int port, unsigned int vcpu);
void model_close_all(unsigned int dom);
void model_raise_virq(unsigned int dom, unsigned int virq, unsigned int vcpu);
bool model_virq_is_global(unsigned int virq);

/* Everything that is there must be what the model says. */
void model_compare(void);

#endif
