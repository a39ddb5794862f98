/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Rings of requests and responses in memory that a front-end grants to a
 * back-end. A response takes the place of the request that it answers.
 *
 * Shared: how far each side has produced, and the index at which the other one
 * wants an event. Private, in a front_ring or back_ring: what this side has
 * prepared and consumed. Indices run free and are reduced on use.
 *
 * Neither side may trust what the other writes: take RING_COPY_REQUEST and
 * RING_COPY_RESPONSE, which read once, and test producer indices by the
 * _OVERFLOW predicates.
 */
#ifndef XEN_PUBLIC_IO_RING_H
#define XEN_PUBLIC_IO_RING_H

#include <stddef.h>
#include <stdint.h>

/* Memory barriers: all, reads, writes. A program may bring its own. */
#ifndef xen_mb
#define xen_mb() __sync_synchronize()
#endif
#ifndef xen_rmb
#define xen_rmb() __asm__ __volatile__("" : : : "memory")
#endif
#ifndef xen_wmb
#define xen_wmb() __asm__ __volatile__("" : : : "memory")
#endif

typedef unsigned int RING_IDX;

/* The largest power of two in a 32-bit x > 0: its top bit. */
#define __RING_SMEAR1(x)  ((x) | ((x) >> 1))
#define __RING_SMEAR2(x)  (__RING_SMEAR1(x) | (__RING_SMEAR1(x) >> 2))
#define __RING_SMEAR4(x)  (__RING_SMEAR2(x) | (__RING_SMEAR2(x) >> 4))
#define __RING_SMEAR8(x)  (__RING_SMEAR4(x) | (__RING_SMEAR4(x) >> 8))
#define __RING_SMEAR16(x) (__RING_SMEAR8(x) | (__RING_SMEAR8(x) >> 16))
#define __RD32(x)         (__RING_SMEAR16(x) - (__RING_SMEAR16(x) >> 1))

/* Entries that fit into size bytes: by the ring's name, and by its address */
#define __CONST_RING_SIZE(name, size)                         \
	__RD32(((size)-offsetof(struct name##_sring, ring)) / \
	       sizeof(((struct name##_sring *)0)->ring[0]))
#define __RING_SIZE(sring, size)                                              \
	__RD32(((size) - (size_t)((char *)(sring)->ring - (char *)(sring))) / \
	       sizeof((sring)->ring[0]))

/* Declares NAME_sring, NAME_front_ring and NAME_back_ring. */
#define DEFINE_RING_TYPES(name, req_type, rsp_type)           \
	union name##_sring_entry {                            \
		req_type req;                                 \
		rsp_type rsp;                                 \
	};                                                    \
	struct name##_sring {                                 \
		RING_IDX req_prod, req_event;                 \
		RING_IDX rsp_prod, rsp_event;                 \
		union {                                       \
			uint8_t pvt_pad[4];                   \
		} pvt;                                        \
		uint8_t __pad[44];                            \
		union name##_sring_entry ring[1];             \
	};                                                    \
	struct name##_front_ring {                            \
		RING_IDX req_prod_pvt;                        \
		RING_IDX rsp_cons;                            \
		unsigned int nr_ents;                         \
		struct name##_sring *sring;                   \
	};                                                    \
	struct name##_back_ring {                             \
		RING_IDX rsp_prod_pvt;                        \
		RING_IDX req_cons;                            \
		unsigned int nr_ents;                         \
		struct name##_sring *sring;                   \
	};                                                    \
	typedef struct name##_sring name##_sring_t;           \
	typedef struct name##_front_ring name##_front_ring_t; \
	typedef struct name##_back_ring name##_back_ring_t

/* Made by the front-end, in the shared page, before it is granted. */
#define SHARED_RING_INIT(s)                                          \
	do {                                                         \
		unsigned int __i;                                    \
		(s)->req_prod = 0;                                   \
		(s)->rsp_prod = 0;                                   \
		(s)->req_event = 1;                                  \
		(s)->rsp_event = 1;                                  \
		for (__i = 0; __i < sizeof((s)->pvt.pvt_pad); __i++) \
			(s)->pvt.pvt_pad[__i] = 0;                   \
		for (__i = 0; __i < sizeof((s)->__pad); __i++)       \
			(s)->__pad[__i] = 0;                         \
	} while (0)

/* Starts to use a shared ring of size bytes at index i. */
#define FRONT_RING_ATTACH(r, s, i, size)                           \
	do {                                                       \
		(r)->req_prod_pvt = (i);                           \
		(r)->rsp_cons = (i);                               \
		(r)->nr_ents = (unsigned int)__RING_SIZE(s, size); \
		(r)->sring = (s);                                  \
	} while (0)
#define FRONT_RING_INIT(r, s, size) FRONT_RING_ATTACH(r, s, 0, size)
#define XEN_FRONT_RING_INIT(r, s, size)      \
	do {                                 \
		SHARED_RING_INIT(s);         \
		FRONT_RING_INIT(r, s, size); \
	} while (0)
#define BACK_RING_ATTACH(r, s, i, size)                            \
	do {                                                       \
		(r)->rsp_prod_pvt = (i);                           \
		(r)->req_cons = (i);                               \
		(r)->nr_ents = (unsigned int)__RING_SIZE(s, size); \
		(r)->sring = (s);                                  \
	} while (0)
#define BACK_RING_INIT(r, s, size) BACK_RING_ATTACH(r, s, 0, size)

#define RING_SIZE(r) ((r)->nr_ents)

/* Front: room for requests */
#define RING_FREE_REQUESTS(r) (RING_SIZE(r) - ((r)->req_prod_pvt - (r)->rsp_cons))
#define RING_FULL(r)          (RING_FREE_REQUESTS(r) == 0)

/* A peer's index that cannot be true */
#define RING_REQUEST_CONS_OVERFLOW(r, cons)  (((cons) - (r)->rsp_prod_pvt) >= RING_SIZE(r))
#define RING_REQUEST_PROD_OVERFLOW(r, prod)  (((prod) - (r)->rsp_prod_pvt) > RING_SIZE(r))
#define RING_RESPONSE_PROD_OVERFLOW(r, prod) (((prod) - (r)->rsp_cons) > RING_SIZE(r))

/* Work that waits. A back-end takes no more requests than it can answer. */
static __inline__ RING_IDX __ring_min(RING_IDX a, RING_IDX b)
{
	return a < b ? a : b;
}

#define XEN_RING_NR_UNCONSUMED_RESPONSES(r) ((r)->sring->rsp_prod - (r)->rsp_cons)
#define XEN_RING_NR_UNCONSUMED_REQUESTS(r)               \
	__ring_min((r)->sring->req_prod - (r)->req_cons, \
		   RING_SIZE(r) - ((r)->req_cons - (r)->rsp_prod_pvt))
#define RING_HAS_UNCONSUMED_RESPONSES(r) (XEN_RING_NR_UNCONSUMED_RESPONSES(r) != 0)
#define RING_HAS_UNCONSUMED_REQUESTS(r)  (XEN_RING_NR_UNCONSUMED_REQUESTS(r) != 0)

/* The entry of an index, and the same read once into *dest */
#define RING_GET_REQUEST(r, idx)  (&(r)->sring->ring[(idx) & (RING_SIZE(r) - 1)].req)
#define RING_GET_RESPONSE(r, idx) (&(r)->sring->ring[(idx) & (RING_SIZE(r) - 1)].rsp)
#define RING_COPY_REQUEST(r, idx, dest)              \
	do {                                         \
		*(dest) = *RING_GET_REQUEST(r, idx); \
		xen_rmb();                           \
	} while (0)
#define RING_COPY_RESPONSE(r, idx, dest)              \
	do {                                          \
		*(dest) = *RING_GET_RESPONSE(r, idx); \
		xen_rmb();                            \
	} while (0)

/* Lets the peer see what was prepared. */
#define RING_PUSH_REQUESTS(r)                             \
	do {                                              \
		xen_wmb();                                \
		(r)->sring->req_prod = (r)->req_prod_pvt; \
	} while (0)
#define RING_PUSH_RESPONSES(r)                            \
	do {                                              \
		xen_wmb();                                \
		(r)->sring->rsp_prod = (r)->rsp_prod_pvt; \
	} while (0)

/*
 * The same, and whether the peer wants an event: it does if the index that it
 * named is among those just produced.
 */
#define RING_PUSH_REQUESTS_AND_CHECK_NOTIFY(r, notify)                   \
	do {                                                             \
		RING_IDX __from = (r)->sring->req_prod;                  \
		RING_IDX __to = (r)->req_prod_pvt;                       \
		RING_PUSH_REQUESTS(r);                                   \
		xen_mb();                                                \
		(notify) = __to - (r)->sring->req_event < __to - __from; \
	} while (0)
#define RING_PUSH_RESPONSES_AND_CHECK_NOTIFY(r, notify)                  \
	do {                                                             \
		RING_IDX __from = (r)->sring->rsp_prod;                  \
		RING_IDX __to = (r)->rsp_prod_pvt;                       \
		RING_PUSH_RESPONSES(r);                                  \
		xen_mb();                                                \
		(notify) = __to - (r)->sring->rsp_event < __to - __from; \
	} while (0)

/* Before sleeping: is there work? If not, ask for an event, and look again. */
#define RING_FINAL_CHECK_FOR_REQUESTS(r, work)             \
	do {                                               \
		(work) = RING_HAS_UNCONSUMED_REQUESTS(r);  \
		if (work)                                  \
			break;                             \
		(r)->sring->req_event = (r)->req_cons + 1; \
		xen_mb();                                  \
		(work) = RING_HAS_UNCONSUMED_REQUESTS(r);  \
	} while (0)
#define RING_FINAL_CHECK_FOR_RESPONSES(r, work)            \
	do {                                               \
		(work) = RING_HAS_UNCONSUMED_RESPONSES(r); \
		if (work)                                  \
			break;                             \
		(r)->sring->rsp_event = (r)->rsp_cons + 1; \
		xen_mb();                                  \
		(work) = RING_HAS_UNCONSUMED_RESPONSES(r); \
	} while (0)

#endif /* XEN_PUBLIC_IO_RING_H */
