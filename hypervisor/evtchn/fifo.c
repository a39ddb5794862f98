/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The FIFO ABI: a word per port in frames of the guest (the event array), and
 * per vCPU a control block of it with the heads of 16 queues, one per priority.
 * Pending ports are chained through the LINK fields of their words. The guest
 * takes from the head; we append, and keep where each tail is.
 *
 * The guest's memory is used through the direct map. While we use a frame it is
 * held with PGT_writable: it stays the guest's and is never a page table. Its
 * words are changed by single atomic operations or by a bounded number of
 * compare-and-exchanges (XSA-295). We never follow a link and never take a port
 * number out of guest memory (E3): a guest that writes rubbish loses its own events.
 *
 *   word                  entered by
 *   idle                  guest: took it from its queue
 *   PENDING               us: event; ends when the guest handles it
 *   PENDING|LINKED        us: and queued. The guest clears LINKED when it takes it
 *   MASKED                guest. A masked port isn't queued; unmask makes up for it
 *   BUSY                  us, for the moment in which LINK is changed: the guest's
 *                         unmask waits for that
 *
 * evtchn.last names the queue that a port was put into last: the only one whose
 * tail it can be. Before the port is queued elsewhere it ceases to be that tail
 * (or the next port would be chained to it in a queue where it isn't).
 *
 * An event that can't be shown to the guest yet (no array frame for the port, no
 * control block of the vCPU: XSA-107) is kept in evtchn.deferred, until
 * expand_array or init_control bring what was missing, or the port goes to another
 * vCPU.
 *
 * Frames and control blocks are published with a store-release when complete
 * (XSA-359), and taken back only when no port is bound (port.c: finish_reset).
 *
 * Locks: fifo_queue.lock for tail and append; one at a time.
 */
#include <hv/audit.h>
#include <hv/bitops.h>
#include <hv/domain.h>
#include <hv/lib.h>
#include <hv/page_type.h>
#include <arch/cpu.h>
#include <arch/page.h>
#include "internal.h"

#define WORDS_PER_PAGE (PAGE_SIZE / sizeof(event_word_t))
#define PENDING        (1U << EVTCHN_FIFO_PENDING)
#define MASKED         (1U << EVTCHN_FIFO_MASKED)
#define LINKED         (1U << EVTCHN_FIFO_LINKED)
#define BUSY           (1U << EVTCHN_FIFO_BUSY)
#define LINK_MASK      ((uint32_t)EVTCHN_FIFO_LINK_MASK)

/* How often a word may change under us: before BUSY is set, and in all. */
#define LINK_TRIES_FREE 4
#define LINK_TRIES      64
/* How often the queue of a port may: only we change it, and each time it gets queued. */
#define QUEUE_TRIES     4

struct fifo_queue {
	struct spinlock lock;
	evtchn_port_t tail; /* 0: nothing was appended yet, or it moved elsewhere */
};

struct evtchn_fifo_vcpu {
	struct evtchn_fifo_control_block *block; /* in a frame that we hold */
	struct fifo_queue queue[EVTCHN_FIFO_MAX_QUEUES];
};

struct evtchn_fifo {
	unsigned int nr_pages, max_pages;
	event_word_t *page[]; /* [max_pages], frames that we hold */
};

static event_word_t *word_of(const struct domain *d, evtchn_port_t port)
{
	const struct evtchn_fifo *f = READ_ONCE(d->evtchn_fifo);
	unsigned int i = port / WORDS_PER_PAGE;
	event_word_t *page;

	if (!f || i >= f->max_pages)
		return NULL;
	page = __atomic_load_n(&f->page[i], __ATOMIC_ACQUIRE);
	return page ? page + port % WORDS_PER_PAGE : NULL;
}

static struct evtchn_fifo_vcpu *fifo_of(const struct domain *d, unsigned int vcpu)
{
	struct vcpu *v = d->vcpu[vcpu];

	return v ? __atomic_load_n(&v->evtchn_fifo, __ATOMIC_ACQUIRE) : NULL;
}

static uint32_t word_or(event_word_t *word, uint32_t bits)
{
	return __atomic_fetch_or(word, bits, __ATOMIC_SEQ_CST);
}

static uint32_t word_and(event_word_t *word, uint32_t bits)
{
	return __atomic_fetch_and(word, bits, __ATOMIC_SEQ_CST);
}

/* ---- queues -------------------------------------------------------------------- */

/* Sets the word's LINK to @port if the word is still in a queue. */
static bool link_after(event_word_t *word, evtchn_port_t port)
{
	uint32_t w = READ_ONCE(*word);

	for (unsigned int i = 0; i < LINK_TRIES && (w & LINKED); i++) {
		uint32_t new = (w & ~(BUSY | LINK_MASK)) | port;

		if (__atomic_compare_exchange_n(word, &w, new, false, __ATOMIC_SEQ_CST,
						__ATOMIC_SEQ_CST))
			return true;
		if (i == LINK_TRIES_FREE)
			w = word_or(word, BUSY) | BUSY;
	}
	/* Taken out by now; or the guest plays with it, then this begins a new chain. */
	if (w & BUSY)
		word_and(word, ~BUSY);
	return false;
}

/* (E5) Under the queue's lock. */
static void append(struct domain *d, struct vcpu *v, struct evtchn_fifo_vcpu *fv, unsigned int prio,
		   evtchn_port_t port)
{
	struct fifo_queue *q = &fv->queue[prio];
	event_word_t *tail = q->tail ? word_of(d, q->tail) : NULL;
	bool linked = tail && link_after(tail, port);

	q->tail = port;
	if (linked)
		return;
	/* The queue was empty. The guest sees the head before it sees the ready bit. */
	__atomic_store_n(&fv->block->head[prio], port, __ATOMIC_SEQ_CST);
	if (!(word_or(&fv->block->ready, 1U << prio) & (1U << prio)))
		evtchn_notify_vcpu(v);
}

static uint16_t last_of(unsigned int vcpu, unsigned int prio)
{
	return (uint16_t)(vcpu * EVTCHN_FIFO_MAX_QUEUES + prio);
}

/* Locks the queue that @chn was in last (@q, if in none). NULL: it keeps moving. */
static struct fifo_queue *lock_last_queue(struct domain *d, struct evtchn *chn,
					  struct fifo_queue *q, unsigned long *ret_flags)
{
	for (unsigned int i = 0; i < QUEUE_TRIES; i++) {
		uint16_t last = READ_ONCE(chn->last);
		struct fifo_queue *old = q;

		if (last != EVTCHN_LAST_NONE) {
			struct evtchn_fifo_vcpu *fv = fifo_of(d, last / EVTCHN_FIFO_MAX_QUEUES);

			old = &fv->queue[last % EVTCHN_FIFO_MAX_QUEUES];
		}
		*ret_flags = spin_lock_irqsave(&old->lock);
		if (READ_ONCE(chn->last) == last)
			return old;
		spin_unlock_irqrestore(&old->lock, *ret_flags);
	}
	return NULL;
}

/* Puts a port that isn't in a queue into that of its vCPU and priority. */
static void enqueue(struct domain *d, struct evtchn *chn, event_word_t *word, struct vcpu *v,
		    struct evtchn_fifo_vcpu *fv)
{
	unsigned int prio = READ_ONCE(chn->priority);
	struct fifo_queue *q = &fv->queue[prio], *old;
	unsigned long flags;
	uint32_t w;

	old = lock_last_queue(d, chn, q, &flags);
	if (!old) {
		printk_guest(LOG_WARN, "d%u: event of port %u lost\n", d->id, chn->port);
		return;
	}
	w = word_or(word, LINKED);
	if (w & LINKED) {
		/* Another sender was faster. */
		spin_unlock_irqrestore(&old->lock, flags);
		return;
	}
	/* From here on it is ours to append; nobody else touches LINK. */
	if (w & LINK_MASK)
		word_and(word, ~LINK_MASK);
	if (old->tail == chn->port)
		old->tail = 0;
	WRITE_ONCE(chn->last, last_of(v->id, prio));
	if (old != q) {
		spin_unlock_irqrestore(&old->lock, flags);
		flags = spin_lock_irqsave(&q->lock);
	}
	append(d, v, fv, prio, chn->port);
	spin_unlock_irqrestore(&q->lock, flags);
}

/* ---- the port operations ------------------------------------------------------- */

/* False: the guest's structures aren't there yet. */
static bool try_raise(struct domain *d, struct evtchn *chn)
{
	event_word_t *word = word_of(d, chn->port);
	unsigned int vcpu = READ_ONCE(chn->notify_vcpu);
	struct evtchn_fifo_vcpu *fv;

	if (!word)
		return false;
	if (word_or(word, PENDING) & (MASKED | LINKED))
		return true;
	fv = fifo_of(d, vcpu);
	if (!fv)
		return false;
	enqueue(d, chn, word, d->vcpu[vcpu], fv);
	return true;
}

static bool take_deferred(struct evtchn *chn)
{
	return __atomic_exchange_n(&chn->deferred, 0, __ATOMIC_SEQ_CST);
}

static void set_pending_fifo(struct domain *d, struct evtchn *chn)
{
	ASSERT(evtchn_may_raise(d, chn));
	if (likely(try_raise(d, chn)))
		return;
	/* Either raise_deferred() sees the note, or we see what it was called for. */
	__atomic_store_n(&chn->deferred, 1, __ATOMIC_SEQ_CST);
	smp_mb();
	if (try_raise(d, chn))
		take_deferred(chn);
}

static void clear_pending_fifo(struct domain *d, struct evtchn *chn)
{
	event_word_t *word = word_of(d, chn->port);

	/* If it is in a queue the guest will take it out: see is_busy. */
	if (word)
		word_and(word, ~PENDING);
}

static bool is_pending_fifo(struct domain *d, const struct evtchn *chn)
{
	event_word_t *word = word_of(d, chn->port);

	return READ_ONCE(chn->deferred) || (word && (READ_ONCE(*word) & PENDING));
}

static bool is_masked_fifo(struct domain *d, const struct evtchn *chn)
{
	event_word_t *word = word_of(d, chn->port);

	return !word || (READ_ONCE(*word) & MASKED);
}

static void unmask_fifo(struct domain *d, struct evtchn *chn)
{
	event_word_t *word = word_of(d, chn->port);

	ASSERT(evtchn_may_raise(d, chn));
	if (word && (word_and(word, ~MASKED) & PENDING))
		set_pending_fifo(d, chn);
}

static bool is_busy_fifo(struct domain *d, const struct evtchn *chn)
{
	event_word_t *word = word_of(d, chn->port);

	return word && (READ_ONCE(*word) & LINKED);
}

const struct evtchn_port_ops evtchn_ops_fifo = {
	.name = "FIFO",
	.max_ports = EVTCHN_FIFO_NR_CHANNELS,
	.set_pending = set_pending_fifo,
	.clear_pending = clear_pending_fifo,
	.is_pending = is_pending_fifo,
	.is_masked = is_masked_fifo,
	.unmask = unmask_fifo,
	.is_busy = is_busy_fifo,
};

/* ---- set-up ---------------------------------------------------------------------- */

/* Under evtchn_lock: shows the guest what could not be shown before. */
static void raise_deferred(struct domain *d)
{
	smp_mb();
	for (evtchn_port_t port = 1; port < d->valid_evtchns; port++) {
		struct evtchn *chn = evtchn_from_port(d, port);

		if (READ_ONCE(chn->deferred) && take_deferred(chn))
			set_pending_fifo(d, chn);
	}
}

void evtchn_fifo_vcpu_changed(struct domain *d, struct evtchn *chn)
{
	ASSERT(spin_is_held(&d->evtchn_lock));
	smp_mb();
	if (d->evtchn_ops == &evtchn_ops_fifo && READ_ONCE(chn->deferred) && take_deferred(chn))
		set_pending_fifo(d, chn);
}

/* A frame of the guest's, held and by its direct-map address. */
static int map_guest_frame(struct domain *d, uint64_t gfn, void **ret_va)
{
	mfn_t mfn = _mfn(gfn);
	int rc;

	if (!mfn_valid(mfn))
		return -EINVAL;
	rc = page_get_and_type(mfn_to_page(mfn), d, PGT_writable);
	if (!rc)
		*ret_va = mfn_to_virt(mfn);
	return rc;
}

static void unmap_guest_frame(void *va)
{
	if (va)
		page_put_and_type_simple(virt_to_page((void *)((unsigned long)va & PAGE_MASK)));
}

static int fifo_alloc(struct domain *d)
{
	unsigned int pages = d->max_evtchn_port / WORDS_PER_PAGE + 1;
	struct evtchn_fifo *f = hv_zalloc(sizeof(*f) + pages * sizeof(f->page[0]));

	if (!f)
		return -ENOMEM;
	f->max_pages = pages;
	__atomic_store_n(&d->evtchn_fifo, f, __ATOMIC_RELEASE);
	return 0;
}

static struct evtchn_fifo_vcpu *fifo_vcpu_alloc(void *block)
{
	struct evtchn_fifo_vcpu *fv = hv_zalloc(sizeof(*fv));

	for (unsigned int i = 0; fv && i < EVTCHN_FIFO_MAX_QUEUES; i++)
		spin_lock_init(&fv->queue[i].lock, RANK_EVTCHN_FIFO);
	if (fv)
		fv->block = block;
	return fv;
}

/* From now on events are raised in the new ABI; pending ones are taken along. */
static void switch_to_fifo(struct domain *d)
{
	for (evtchn_port_t port = 1; port < d->valid_evtchns; port++)
		evtchn_from_port(d, port)->last = EVTCHN_LAST_NONE;
	__atomic_store_n(&d->evtchn_ops, &evtchn_ops_fifo, __ATOMIC_SEQ_CST);
	smp_mb(); /* see evtchn_raise */
	for (evtchn_port_t port = 1; port < d->valid_evtchns; port++) {
		struct evtchn *chn = evtchn_from_port(d, port);

		if (chn->state != ECS_FREE && evtchn_ops_2l.is_pending(d, chn))
			chn->deferred = 1;
	}
}

long evtchn_fifo_init_control(struct evtchn_init_control *ic)
{
	struct domain *d = current->domain;
	struct vcpu *v = domain_vcpu(d, ic->vcpu);
	struct evtchn_fifo_vcpu *fv;
	void *frame = NULL;
	int rc;

	ic->link_bits = EVTCHN_FIFO_LINK_BITS;
	if (!v)
		return hv_err(-ENOENT, "no vCPU %u", ic->vcpu);
	if (ic->offset > PAGE_SIZE - sizeof(*fv->block) || ic->offset % 8)
		return hv_err(-EINVAL, "control block at offset %u", ic->offset);
	spin_lock(&d->evtchn_lock);
	rc = -EINVAL;
	if (v->evtchn_fifo || READ_ONCE(d->dying) != DOMDYING_alive)
		goto err_unlock;
	rc = map_guest_frame(d, ic->control_gfn, &frame);
	if (rc)
		goto err_unlock;
	rc = -ENOMEM;
	fv = fifo_vcpu_alloc((char *)frame + ic->offset);
	if (!fv)
		goto err_unmap;
	if (!d->evtchn_fifo) {
		rc = fifo_alloc(d);
		if (rc)
			goto err_free;
	}
	__atomic_store_n(&v->evtchn_fifo, fv, __ATOMIC_RELEASE);
	if (d->evtchn_ops != &evtchn_ops_fifo)
		switch_to_fifo(d);
	raise_deferred(d);
	spin_unlock(&d->evtchn_lock);
	return 0;

err_free:
	hv_free(fv);
err_unmap:
	unmap_guest_frame(frame);
err_unlock:
	spin_unlock(&d->evtchn_lock);
	return hv_err(rc, "d%uv%u: control block in frame %#lx", d->id, ic->vcpu,
		      (unsigned long)ic->control_gfn);
}

long evtchn_fifo_expand_array(const struct evtchn_expand_array *ea)
{
	struct domain *d = current->domain;
	struct evtchn_fifo *f;
	void *frame = NULL;
	int rc = -EOPNOTSUPP;

	spin_lock(&d->evtchn_lock);
	f = d->evtchn_fifo;
	if (!f)
		goto out;
	rc = -EINVAL;
	if (f->nr_pages >= f->max_pages || READ_ONCE(d->dying) != DOMDYING_alive)
		goto out;
	rc = map_guest_frame(d, ea->array_gfn, &frame);
	if (rc)
		goto out;
	__atomic_store_n(&f->page[f->nr_pages], frame, __ATOMIC_RELEASE);
	f->nr_pages++;
	raise_deferred(d);
out:
	spin_unlock(&d->evtchn_lock);
	return rc ? hv_err(rc, "d%u: array frame %#lx", d->id, (unsigned long)ea->array_gfn) : 0;
}

void evtchn_fifo_teardown(struct domain *d)
{
	struct evtchn_fifo *f = d->evtchn_fifo;
	struct vcpu *v;

	ASSERT(!d->evtchn_count);
	if (!f)
		return;
	/* What was pending when the ABI changed, or was marked by a late sender. */
	for (evtchn_port_t port = 1; port < d->valid_evtchns; port++)
		evtchn_ops_2l.clear_pending(d, evtchn_from_port(d, port));
	__atomic_store_n(&d->evtchn_ops, &evtchn_ops_2l, __ATOMIC_RELEASE);
	d->evtchn_fifo = NULL;
	for_each_vcpu (d, v) {
		struct evtchn_fifo_vcpu *fv = v->evtchn_fifo;

		if (!fv)
			continue;
		v->evtchn_fifo = NULL;
		unmap_guest_frame(fv->block);
		hv_free(fv);
	}
	for (unsigned int i = 0; i < f->nr_pages; i++)
		unmap_guest_frame(f->page[i]);
	hv_free(f);
	/* Ports that only the FIFO ABI held back are free now. */
	d->evtchn_free_hint = 1;
}

static void hold_frame_of(const void *p)
{
	if (p)
		audit_hold(virt_to_page((void *)((unsigned long)p & ~(PAGE_SIZE - 1))), true);
}

void evtchn_audit_holds(const struct domain *d)
{
	const struct evtchn_fifo *f = d->evtchn_fifo;
	const struct vcpu *v;

	for (unsigned int i = 0; f && i < f->max_pages; i++)
		hold_frame_of(f->page[i]);
	for_each_vcpu (d, v) {
		if (v->evtchn_fifo)
			hold_frame_of(v->evtchn_fifo->block);
	}
}
