/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Which measures against leaks by speculation this machine needs, what the option
 * spec-ctrl= makes of that, and writing the rest out of the code.
 *
 * A CPU that says nothing of itself counts as affected. An emulated one (QEMU's TCG)
 * has no speculation of its own to steer, so there it is none of it, unless asked
 * for.
 */
#include <hv/cmdline.h>
#include <hv/lib.h>
#include <arch/cpu.h>
#include <arch/features.h>
#include <arch/layout.h>
#include <arch/spec_ctrl.h>
#include <arch/xpti.h>

#define MSR_ARCH_CAPABILITIES 0x10a
#define SPEC_CTRL_IBRS        (1U << 0)
#define SPEC_CTRL_SSBD        (1U << 2)
#define SPEC_CTRL_BHI_DIS_S   (1U << 10)
#define EFER_AUTO_IBRS        (1UL << 21)

/* IA32_ARCH_CAPABILITIES */
#define CAP_RDCL_NO    (1UL << 0)
#define CAP_IBRS_ALL   (1UL << 1)
#define CAP_MDS_NO     (1UL << 5)
#define CAP_TAA_NO     (1UL << 8)
#define CAP_FB_CLEAR   (1UL << 17)
#define CAP_BHI_NO     (1UL << 20)
#define CAP_RFDS_CLEAR (1UL << 28)

/* CPUID leaf 7, EDX */
#define L7_MD_CLEAR   (1U << 10)
#define L7_IBRS       (1U << 26)
#define L7_ARCH_CAP   (1U << 29)
#define L7_SSBD       (1U << 31)
/* Leaf 7.2, EDX */
#define L7_2_BHI_CTRL (1U << 4)
/* 0x80000008, EBX */
#define E8_IBPB       (1U << 12)
#define E8_IBRS       (1U << 14)
#define E8_BTC_NO     (1U << 29)
/* 0x80000021, EAX */
#define E21_AUTO_IBRS (1U << 8)
#define E21_SRSO_NO   (1U << 29)

bool spec_ibpb_on_switch __ro_after_init, spec_smt_leaks __ro_after_init;

/* What MSR_SPEC_CTRL has while we run, and while guests do; entry.S reads them. */
uint32_t spec_ctrl_value_hv __ro_after_init, spec_ctrl_value_guest __ro_after_init;

struct spec_site {
	int32_t where; /* from here */
	uint8_t length, kind;
	uint16_t unused;
};
extern const struct spec_site __spec_sites_start[], __spec_sites_end[];
extern uint8_t indirect_thunks[];
#define THUNK_SIZE 32

enum thunk { THUNK_RETPOLINE, THUNK_LFENCE, THUNK_JMP };

/* What the hardware has. */
static struct {
	bool ibrs, ibpb, verw, bhi_ctrl, ssbd, auto_ibrs, eibrs;
	bool intel, amd, emulated;
	uint64_t caps;
	struct cpu_version version;
	uint32_t e8_ebx, e21_eax;
} has __initdata;

/* What is done. */
static struct {
	uint8_t sites; /* SPEC_SITE_* */
	enum thunk thunk;
	bool ibpb, l1tf, ssbd, bhi_dis_s, stay_ibrs;
} use __initdata;
static bool use_auto_ibrs __ro_after_init, spec_ctrl_present __ro_after_init;

/* ---- options: -1 is "as this machine needs it" --------------------------------------- */

static struct {
	int8_t rsb, ibrs, ibpb, ibpb_entry, verw, bhi_dis_s, bhb, ssbd, thunk;
} opt __initdata = {-1, -1, -1, -1, -1, -1, -1, -1, -1};
static int8_t opt_l1tf __initdata = -1;

static const struct {
	const char *name;
	int8_t *value; /* NULL: there is nothing here that it could switch */
} items[] __initconst = {
	{"rsb", &opt.rsb},       {"ibrs", &opt.ibrs},     {"msr-sc", &opt.ibrs},
	{"ibpb", &opt.ibpb},     {"ssbd", &opt.ssbd},     {"ibpb-entry", &opt.ibpb_entry},
	{"verw", &opt.verw},     {"md-clear", &opt.verw}, {"bhi-dis-s", &opt.bhi_dis_s},
	{"xen", NULL},           {"hvm", NULL},           {"eager-fpu", NULL},
	{"l1d-flush", NULL},     {"psfd", NULL},          {"stibp", NULL},
	{"branch-harden", NULL}, {"srb-lock", NULL},      {"unpriv-mmio", NULL},
	{"gds-mit", NULL},       {"div-scrub", NULL},     {"lock-harden", NULL},
	{"bhb-entry", &opt.bhb},
};

static void __init set_all(int8_t v)
{
	opt.rsb = opt.ibrs = opt.ibpb = opt.ibpb_entry = opt.verw = opt.bhi_dis_s = opt.bhb = v;
	opt.thunk = v ? THUNK_RETPOLINE : THUNK_JMP;
	opt_l1tf = v;
}

static int __init parse_thunk(const struct cmdline_item *item)
{
	static const char *const names[] = {"retpoline", "lfence", "jmp"};

	for (int8_t i = 0; i < (int8_t)ARRAY_SIZE(names); i++) {
		if (item->value_length == strlen(names[i]) &&
		    !memcmp(item->value, names[i], item->value_length)) {
			opt.thunk = i;
			return 0;
		}
	}
	return -EINVAL;
}

static int __init parse_item(const struct cmdline_item *item)
{
	if (cmdline_item_is(item, "bti-thunk"))
		return parse_thunk(item);
	if (item->on < 0)
		return -EINVAL;
	if (!item->name || cmdline_item_is(item, "pv")) {
		set_all((int8_t)item->on);
		return 0;
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(items); i++) {
		if (!cmdline_item_is(item, items[i].name))
			continue;
		if (items[i].value)
			*items[i].value = (int8_t)item->on;
		return 0;
	}
	return -EINVAL;
}

static int __init parse_spec_ctrl(const char *value)
{
	__typeof__(opt) before = opt;
	int8_t l1tf_before = opt_l1tf;
	int rc = cmdline_list(value, parse_item);

	if (rc) {
		opt = before;
		opt_l1tf = l1tf_before;
	}
	return rc;
}
CMDLINE_CUSTOM("spec-ctrl", parse_spec_ctrl, "what this processor needs");

static int __init parse_pv_l1tf(const char *value)
{
	int v = cmdline_bool(value, strlen(value));

	if (v < 0)
		return -EINVAL;
	opt_l1tf = (int8_t)v;
	return 0;
}
CMDLINE_CUSTOM("pv-l1tf", parse_pv_l1tf, "what this processor needs");

/* ---- what there is -------------------------------------------------------------------- */

static void __init look(void)
{
	struct cpuid_regs l0 = cpuid_count(0, 0), l7 = {0, 0, 0, 0}, hv;
	uint32_t max_ext = cpuid_count(0x80000000, 0).a;

	has.version = cpu_version_of(cpuid_count(1, 0).a);
	has.intel = l0.b == 0x756e6547; /* Genu */
	has.amd = l0.b == 0x68747541 || l0.b == 0x6f677948; /* Auth, Hygo */
	hv = cpuid_count(0x40000000, 0);
	has.emulated = (cpuid_count(1, 0).c >> 31) && hv.b == 0x54474354 && hv.c == 0x43544743;
	if (l0.a >= 7)
		l7 = cpuid_count(7, 0);
	if (max_ext >= 0x80000008)
		has.e8_ebx = cpuid_count(0x80000008, 0).b;
	if (max_ext >= 0x80000021)
		has.e21_eax = cpuid_count(0x80000021, 0).a;
	if (l7.d & L7_ARCH_CAP)
		(void)rdmsr_safe(MSR_ARCH_CAPABILITIES, &has.caps);
	has.ibrs = (l7.d & L7_IBRS) || (has.e8_ebx & E8_IBRS);
	has.ibpb = (l7.d & L7_IBRS) || (has.e8_ebx & E8_IBPB);
	has.ssbd = l7.d & L7_SSBD;
	has.verw = (l7.d & L7_MD_CLEAR) || (has.caps & (CAP_FB_CLEAR | CAP_RFDS_CLEAR));
	has.bhi_ctrl = l7.a >= 2 && (cpuid_count(7, 2).d & L7_2_BHI_CTRL);
	has.eibrs = has.ibrs && (has.caps & CAP_IBRS_ALL);
	has.auto_ibrs = has.e21_eax & E21_AUTO_IBRS;
}

/* Return addresses come from elsewhere when the return stack is empty: Skylake and kin. */
static bool __init retpolines_leak(void)
{
	static const uint8_t models[] = {0x4e, 0x5e, 0x55, 0x8e, 0x9e, 0xa5, 0xa6, 0x66};

	for (unsigned int i = 0; i < ARRAY_SIZE(models); i++) {
		if (has.intel && has.version.family == 6 && has.version.model == models[i])
			return true;
	}
	return false;
}

/* AMD: returns and other branches are predicted from what a guest has trained. */
static bool __init branches_confused(void)
{
	if (!has.amd || !has.ibpb)
		return false;
	if (has.version.family == 0x17 || has.version.family == 0x18)
		return !(has.e8_ebx & E8_BTC_NO);
	return has.version.family == 0x19 && !(has.e21_eax & E21_SRSO_NO);
}

static bool __init buffers_leak(void)
{
	uint64_t safe = CAP_MDS_NO | CAP_TAA_NO;

	return has.intel &&
	       ((has.caps & safe) != safe || (has.caps & (CAP_FB_CLEAR | CAP_RFDS_CLEAR)));
}

/* ---- what to do ------------------------------------------------------------------------ */

static bool __init decide(int8_t option, bool needed, bool possible)
{
	return possible && (option < 0 ? needed && !has.emulated : option);
}

static enum thunk __init choose_thunk(void)
{
	if (opt.thunk >= 0)
		return (enum thunk)opt.thunk;
	/* Where branches of ring 3 don't count for ring 0, a jump is a jump. */
	return has.emulated || has.eibrs || has.auto_ibrs || use.sites & SPEC_SITE_IBRS
		       ? THUNK_JMP
		       : THUNK_RETPOLINE;
}

static void __init choose(void)
{
	bool hardware_ibrs = has.eibrs || has.auto_ibrs;

	use.stay_ibrs = hardware_ibrs && opt.ibrs;
	if (decide(opt.ibrs, retpolines_leak(), has.ibrs && !hardware_ibrs))
		use.sites |= SPEC_SITE_IBRS;
	if (decide(opt.rsb, !cpu_has_smep, true))
		use.sites |= SPEC_SITE_RSB;
	if (decide(opt.ibpb_entry, branches_confused(), has.ibpb))
		use.sites |= SPEC_SITE_IBPB;
	/* VERW is an old instruction: without the clearing it does no harm. */
	if (decide(opt.verw, buffers_leak() && has.verw, true))
		use.sites |= SPEC_SITE_VERW;
	use.ibpb = decide(opt.ibpb, true, has.ibpb);
	use.ssbd = decide(opt.ssbd, false, has.ssbd);
	use.bhi_dis_s = decide(opt.bhi_dis_s, !(has.caps & CAP_BHI_NO), has.bhi_ctrl);
	/* Where the history steers branches in spite of IBRS, and no mode keeps it from that. */
	if (decide(opt.bhb, has.eibrs && !has.bhi_ctrl && !(has.caps & CAP_BHI_NO), true))
		use.sites |= SPEC_SITE_BHB;
	spec_smt_leaks =
		!has.emulated && (buffers_leak() || (has.intel && !(has.caps & CAP_RDCL_NO)));
	use.l1tf = decide(opt_l1tf, has.intel && !(has.caps & CAP_RDCL_NO), true);
	/* Meltdown: all but those who say or are known not to have it. */
	if (xpti_choose(decide(-1, !has.amd && !(has.caps & CAP_RDCL_NO), true)))
		use.sites |= SPEC_SITE_XPTI;
	if (cpu_has_smap)
		use.sites |= SPEC_SITE_SMAP;
	use.thunk = choose_thunk();
	spec_ctrl_value_guest = (use.stay_ibrs && has.eibrs ? SPEC_CTRL_IBRS : 0) |
				(use.ssbd ? SPEC_CTRL_SSBD : 0) |
				(use.bhi_dis_s ? SPEC_CTRL_BHI_DIS_S : 0);
	spec_ctrl_value_hv =
		spec_ctrl_value_guest | (use.sites & SPEC_SITE_IBRS ? SPEC_CTRL_IBRS : 0);
	use_auto_ibrs = use.stay_ibrs && has.auto_ibrs;
	spec_ctrl_present = has.ibrs || has.ssbd || has.bhi_ctrl;
	spec_ibpb_on_switch = use.ibpb;
	spec_l1tf = use.l1tf;
}

/* ---- in the code ------------------------------------------------------------------------ */

static void __init remove_site(const struct spec_site *s)
{
	uint8_t *code = (uint8_t *)(uintptr_t)&s->where + s->where;

	/* A jump over it, or for the shortest ones no-ops of a byte */
	memset(code, s->length < 16 ? 0x90 : 0xcc, s->length);
	if (s->length >= 16) {
		code[0] = 0xeb;
		code[1] = (uint8_t)(s->length - 2);
	}
}

static void __init plain_thunks(bool lfence)
{
	for (uint8_t reg = 0; reg < 16; reg++) {
		uint8_t *code = indirect_thunks + reg * THUNK_SIZE;
		static const uint8_t fence[] = {0x0f, 0xae, 0xe8};

		memset(code, 0xcc, THUNK_SIZE);
		if (reg == 4)
			continue;
		if (lfence) {
			memcpy(code, fence, sizeof(fence));
			code += sizeof(fence);
		}
		if (reg >= 8)
			*code++ = 0x41;
		*code++ = 0xff; /* jmp *%reg */
		*code = 0xe0 | (reg & 7);
	}
}

#define ON_ENTRY (SPEC_SITE_IBPB | SPEC_SITE_IBRS | SPEC_SITE_RSB | SPEC_SITE_BHB)

static void __init print_choice(void)
{
	static const char *const thunk[] = {"retpoline", "lfence", "jmp"};

	pr_info("Speculation: hardware has%s%s%s%s%s%s%s\n", has.ibrs ? " IBRS" : "",
		has.eibrs || has.auto_ibrs ? " enhanced" : "", has.ibpb ? " IBPB" : "",
		has.ssbd ? " SSBD" : "", has.verw ? " VERW" : "", has.bhi_ctrl ? " BHI_DIS_S" : "",
		has.emulated                          ? " no speculation of its own (TCG)"
		: !has.ibrs && !has.ibpb && !has.verw ? " nothing"
						      : "");
	pr_info("Speculation: page tables isolated (XPTI) for %s\n", xpti_description());
	pr_info("Speculation: indirect branches by %s; on entry%s%s%s%s%s; on exit%s%s; between domains%s; always%s%s%s\n",
		thunk[use.thunk], use.sites & SPEC_SITE_IBPB ? " IBPB" : "",
		use.sites & SPEC_SITE_IBRS ? " IBRS" : "", use.sites & SPEC_SITE_RSB ? " RSB" : "",
		use.sites & SPEC_SITE_BHB ? " BHB" : "", use.sites & ON_ENTRY ? "" : " nothing",
		use.sites & SPEC_SITE_VERW ? " VERW" : " nothing", use.l1tf ? "; L1TF checks" : "",
		use.ibpb ? " IBPB" : " nothing", use.stay_ibrs ? " IBRS" : "",
		use.ssbd ? " SSBD" : "",
		use.bhi_dis_s               ? " BHI_DIS_S"
		: use.stay_ibrs || use.ssbd ? ""
					    : " nothing");
}

void __init spec_ctrl_init(void)
{
	look();
	choose();
	for (const struct spec_site *s = __spec_sites_start; s < __spec_sites_end; s++) {
		if (!(use.sites & s->kind))
			remove_site(s);
	}
	if (use.thunk != THUNK_RETPOLINE)
		plain_thunks(use.thunk == THUNK_LFENCE);
	print_choice();
}

void spec_ctrl_init_cpu(void)
{
	if (use_auto_ibrs)
		wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_AUTO_IBRS);
	write_cr4(cr4_base);
	if (spec_ctrl_present)
		(void)wrmsr_safe(MSR_SPEC_CTRL_NR, spec_ctrl_value_hv);
}
