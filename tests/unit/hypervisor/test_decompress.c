/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Runs decompress.o as the hypervisor does: the very object that goes into the
 * image, linked at a fixed address, without any C library, so that whatever
 * it may still need from one shows up. Driven by test_decompress.sh.
 *
 *   test_decompress KIND PAYLOAD REFERENCE [FUZZ-ROUNDS]
 *
 * Unpacks, compares, prints time and deepest stack; then unpacks as many
 * damaged copies, of which each must fail with a reason or (the formats with
 * checksums) yield the right data. Guard pages stand behind all areas.
 */
#include <stddef.h>
#include <stdint.h>

#include "../../../hypervisor/x86/boot/decompress.h"

#define SYS_READ          0
#define SYS_WRITE         1
#define SYS_OPEN          2
#define SYS_LSEEK         8
#define SYS_MMAP          9
#define SYS_MUNMAP        11
#define SYS_EXIT          60
#define SYS_ARCH_PRCTL    158
#define SYS_CLOCK_GETTIME 228
#define ARCH_SET_FS       0x1002
#define PAGE              4096ul
#define STACK_LIMIT       (16ul << 10)

int test_main(long *stack);

static long sys6(long nr, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
}

static long sys3(long nr, long a, long b, long c)
{
	return sys6(nr, a, b, c, 0, 0, 0);
}

static void say(const char *s)
{
	size_t n = 0;

	while (s[n]) {
		n++;
	}
	sys3(SYS_WRITE, 1, (long)s, (long)n);
}

static void say_number(const char *before, uint64_t v, const char *after)
{
	char buf[24];
	int i = 23;

	buf[i] = 0;
	do {
		buf[--i] = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	say(before);
	say(buf + i);
	say(after);
}

__attribute__((noreturn)) static void die(const char *what)
{
	say("FAILURE: ");
	say(what);
	say("\n");
	for (;;) {
		sys3(SYS_EXIT, 1, 0, 0);
	}
}

/* An area that ends where a page that can't be touched begins. */
struct area {
	uint8_t *p;
	size_t len;
};

static struct area area_get(size_t len)
{
	size_t room = (len + PAGE - 1) & ~(PAGE - 1);
	struct area a;
	long base;

	base = sys6(SYS_MMAP, 0, (long)(room + PAGE), 3 /* rw */, 0x22 /* private, anon */, -1, 0);
	if (base < 0 && base > -4096) {
		die("no memory");
	}
	sys3(SYS_MUNMAP, base + (long)room, PAGE, 0);
	a.p = (uint8_t *)base + room - len;
	a.len = len;
	return a;
}

static struct area area_from_file(const char *path)
{
	long fd = sys3(SYS_OPEN, (long)path, 0, 0), size, n;
	struct area a;
	size_t done = 0;

	if (fd < 0) {
		die(path);
	}
	size = sys3(SYS_LSEEK, fd, 0, 2);
	sys3(SYS_LSEEK, fd, 0, 0);
	a = area_get((size_t)size);
	while (done < a.len) {
		n = sys3(SYS_READ, fd, (long)(a.p + done), (long)(a.len - done));
		if (n <= 0) {
			die(path);
		}
		done += (size_t)n;
	}
	return a;
}

static uint64_t now_us(void)
{
	uint64_t ts[2];

	sys3(SYS_CLOCK_GETTIME, 1, (long)ts, 0);
	return ts[0] * 1000000 + ts[1] / 1000;
}

static uint32_t rnd(void)
{
	static uint64_t x = 88172645463325252ull;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return (uint32_t)(x >> 16);
}

static int same(const uint8_t *a, const uint8_t *b, size_t len)
{
	size_t i;

	for (i = 0; i < len && a[i] == b[i]; i++) {
	}
	return i == len;
}

/* What one run works on. */
struct test {
	enum payload_kind kind;
	struct area in, ref, out, scratch;
	const char *reason;
};

static int unpack(struct test *t, const struct area *in)
{
	t->reason = NULL;
	return decompress_run(t->kind, in->p, in->len, t->out.p, t->out.len, t->scratch.p,
			      t->scratch.len, &t->reason);
}

/* Deepest use of the stack, by the paint that is gone. */
static __attribute__((noinline)) size_t unpack_painted(struct test *t, int *ret)
{
	static const size_t depth = 256ul << 10;
	uint8_t *top = __builtin_frame_address(0), *p;
	size_t i;

	for (i = 512; i < depth; i++) {
		((volatile uint8_t *)top)[-(ptrdiff_t)i] = 0xa5;
	}
	*ret = unpack(t, &t->in);
	for (p = top - depth + 1; *(volatile uint8_t *)p == 0xa5; p++) {
	}
	return (size_t)(top - p);
}

static void run_good(struct test *t)
{
	uint64_t start = now_us();
	size_t stack;
	int ret;

	stack = unpack_painted(t, &ret);
	if (ret) {
		die(t->reason ? t->reason : "no reason");
	}
	say(payload_name(t->kind));
	say_number(": ", t->in.len, " -> ");
	say_number("", t->out.len, " bytes, ");
	say_number("", (now_us() - start) / 1000, " ms, ");
	say_number("stack ", stack, " bytes\n");
	if (!same(t->out.p, t->ref.p, t->ref.len)) {
		die("output differs from the reference");
	}
	if (stack > STACK_LIMIT) {
		die("takes more stack than decompress.h says");
	}
}

static void run_wrong_sizes(struct test *t)
{
	struct test less = *t, more = *t, poor = *t;

	less.out.len--;
	if (unpack(&less, &t->in) >= 0 || !less.reason) {
		die("an output that is too small is not refused");
	}
	more.out = area_get(t->out.len + 1);
	if (unpack(&more, &t->in) >= 0 || !more.reason) {
		die("an output that is too large is not refused");
	}
	poor.scratch.len = 4096;
	if (t->kind != PAYLOAD_LZ4 && (unpack(&poor, &t->in) >= 0 || !poor.reason)) {
		die("a scratch area that is too small is not refused");
	}
	poor.kind = PAYLOAD_LZO;
	if (unpack(&poor, &t->in) >= 0 || !poor.reason) {
		die("an unknown kind is not refused");
	}
}

static void damage(struct area *copy, const struct area *in)
{
	size_t i;
	int n;

	for (i = 0; i < in->len; i++) {
		copy->p[i] = in->p[i];
	}
	for (n = 1 + (int)(rnd() % 4); n; n--) { /* headers and trailers more often */
		i = rnd() % 3 == 0 ? rnd() % 32 : rnd();
		i = rnd() % 4 == 0 ? in->len - 1 - i % 32 : i % in->len;
		copy->p[i] = (uint8_t)(rnd() % 2 ? rnd() : copy->p[i] ^ 1u << rnd() % 8);
	}
}

static void fuzz(struct test *t, uint64_t rounds)
{
	uint64_t round, refused = 0;
	struct area copy = area_get(t->in.len), part;
	size_t cut;

	for (round = 0; round < rounds; round++) {
		damage(&copy, &t->in);
		part = copy;
		if (rnd() % 4 == 0) { /* truncated, the guard page behind it */
			cut = 1 + rnd() % t->in.len;
			for (part.len = 0; part.len < t->in.len - cut; part.len++) {
				copy.p[cut + part.len] = t->in.p[part.len];
			}
			part.p = copy.p + cut;
		}
		if (unpack(t, &part) == 0) {
			if (t->kind != PAYLOAD_LZ4 && !same(t->out.p, t->ref.p, t->ref.len)) {
				die("damage went unnoticed");
			}
			continue;
		}
		refused++;
		if (!t->reason) {
			die("failure without a reason");
		}
	}
	say_number("  damaged: ", rounds, " runs, ");
	say_number("", refused, " refused\n");
}

static enum payload_kind kind_of(const char *name)
{
	enum payload_kind kind;
	const char *s;
	size_t n;

	for (kind = PAYLOAD_ELF; kind <= PAYLOAD_ZSTD; kind++) {
		s = payload_name(kind);
		for (n = 0; s[n] && s[n] == name[n]; n++) {
		}
		if (s[n] == name[n]) {
			return kind;
		}
	}
	die("no such kind");
}

int test_main(long *stack)
{
	static uint64_t fs_area[8] = {0, 0, 0, 0, 0, 0x1122334455667700};
	const char *const *argv = (const char *const *)(stack + 1);
	uint64_t rounds = 0;
	struct test t;
	const char *s;

	if (stack[0] < 4) {
		die("arguments: KIND PAYLOAD REFERENCE [FUZZ-ROUNDS]");
	}
	sys3(SYS_ARCH_PRCTL, ARCH_SET_FS, (long)fs_area, 0);
	t.kind = kind_of(argv[1]);
	t.in = area_from_file(argv[2]);
	t.ref = area_from_file(argv[3]);
	t.out = area_get(t.ref.len);
	t.scratch = area_get(payload_scratch_size(t.kind));
	run_good(&t);
	run_wrong_sizes(&t);
	for (s = stack[0] > 4 ? argv[4] : ""; *s; s++) {
		rounds = rounds * 10 + (uint64_t)(*s - '0');
	}
	if (rounds) {
		fuzz(&t, rounds);
	}
	return 0;
}

__asm__(".globl _start\n"
	"_start:\n"
	"	mov %rsp, %rdi\n"
	"	and $-16, %rsp\n"
	"	call test_main\n"
	"	mov %eax, %edi\n"
	"	mov $60, %eax\n"
	"	syscall\n");
