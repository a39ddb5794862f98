/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * xl.cfg: every kind of value, every error with its exact words, what the keys
 * make of a configuration, and the completing of one.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "dom0-tools/xl/cfg_apply.h"
#include "dom0-tools/xl/suggest.h"
#include "tests/unit/xl/fake.h"

static const struct cpu_host host = {.nr_cpus = 8};

static struct cfg_file *parse(const char *text)
{
	struct cfg_file *file = NULL;
	int ret = cfg_parse("t", text, strlen(text), fake_report(), &file);

	assert_string_equal(fake_report_text(), "");
	assert_int_equal(ret, 0);
	return file;
}

static void refused(const char *text, const char *message)
{
	struct cfg_file *file = NULL;

	assert_int_equal(cfg_parse("t", text, strlen(text), fake_report(), &file), -EINVAL);
	assert_null(file);
	assert_string_equal(fake_report_text(), message);
}

/* One text applied; the messages are in fake_report_text(). */
static int apply(const char *text, struct domain_config *cfg)
{
	const struct cfg_report *report = fake_report();
	struct cfg_file *file = NULL;
	int ret;

	domain_config_init(cfg);
	assert_int_equal(cfg_parse("t", text, strlen(text), report, &file), 0);
	ret = cfg_apply_files(&file, 1, &host, report, cfg);
	cfg_free(file);
	return ret;
}

static void apply_well(const char *text, struct domain_config *cfg)
{
	int ret = apply(text, cfg);

	assert_string_equal(fake_report_text(), "");
	assert_int_equal(ret, 0);
}

static void apply_says(const char *text, int expected, const char *message)
{
	struct domain_config cfg;
	int ret = apply(text, &cfg);

	assert_string_equal(fake_report_text(), message);
	assert_int_equal(ret, expected);
	domain_config_fini(&cfg);
}

/* ---- the grammar ------------------------------------------------------------------ */

static void values(void **state)
{
	struct cfg_file *f = parse("a='x'\nb = \"y\" ; c=12;d=0x1F\ne=010 # note\n\n;;\nf=[]\n"
				   "g=['1', 2,\n # note\n [\"z\",],\n]\nh=-5");
	const char *texts[] = {"x", "y", "12", "0x1F", "010"};

	assert_int_equal(f->nr_settings, 8);
	for (size_t i = 0; i < 5; i++)
		assert_string_equal(f->settings[i].value.text, texts[i]);
	assert_int_equal(f->settings[0].value.kind, CFG_STRING);
	assert_int_equal(f->settings[2].value.kind, CFG_NUMBER);
	assert_int_equal(f->settings[5].value.kind, CFG_LIST);
	assert_int_equal(f->settings[5].value.nr_items, 0);
	assert_int_equal(f->settings[6].value.nr_items, 3);
	assert_string_equal(f->settings[6].value.items[2].items[0].text, "z");
	assert_string_equal(f->settings[7].value.text, "-5");
	assert_int_equal(f->settings[3].loc.line, 2);
	assert_int_equal(f->settings[3].loc.column, 16);
	assert_int_equal(f->settings[7].loc.line, 11);
	cfg_free(f);
}

static void strings(void **state)
{
	struct cfg_file *f = parse("a='it\\'s'\nb=\"\\t\\\"\\\\\\x41\\101\\q\"\nc=\"one \\\ntwo\"\n"
				   "d=\"\"\"x\n\"y\" 'z'\"\"\"\ne=''\nf='#;['\n");

	assert_string_equal(f->settings[0].value.text, "it's");
	assert_string_equal(f->settings[1].value.text, "\t\"\\AAq");
	assert_string_equal(f->settings[2].value.text, "one two");
	assert_string_equal(f->settings[3].value.text, "x\n\"y\" 'z'");
	assert_string_equal(f->settings[4].value.text, "");
	assert_string_equal(f->settings[5].value.text, "#;[");
	cfg_free(f);
}

static void continuation(void **state)
{
	struct cfg_file *f = parse("memory = \\\n 64\r\nvcpus=2\r\n");

	assert_int_equal(f->nr_settings, 2);
	assert_string_equal(f->settings[0].value.text, "64");
	assert_int_equal(f->settings[1].loc.line, 3);
	cfg_free(f);
	cfg_free(parse(""));
	cfg_free(parse("\n\n# nothing\n"));
}

static void syntax_errors(void **state)
{
	refused("name=\"a\"\nkernel=\n",
		"t:2:8: syntax error: found end of line, expected '[', a string or a number\n");
	refused("name=\"a\"\nkernel=\"/boot\n",
		"t:2:8: syntax error: the string that starts here has no closing \", expected '[', "
		"a string or a number\n");
	refused("name='a\nb'\n",
		"t:1:6: syntax error: the string that starts here has no closing ', expected '[', "
		"a string or a number\n");
	refused("extra=xyz\n", "t:1:7: syntax error: found a name, expected '[', a string or "
			       "a number\n");
	refused("a=1 b=2\n", "t:1:5: syntax error: found a name, expected end of file, end of "
			     "line or ';'\n");
	refused("= 3\n", "t:1:1: syntax error: found '=', expected end of file, end of line, "
			 "';' or a name\n");
	refused("name\n", "t:1:5: syntax error: found end of line, expected '=' or '+='\n");
	refused("a=[1,\n2\n", "t:3:1: syntax error: found end of file, expected ']' or ','\n");
	refused("a=[1 2]", "t:1:6: syntax error: found a number, expected ']' or ','\n");
	refused("a=[,]", "t:1:4: syntax error: found ',', expected '[', ']', a string or a "
			 "number\n");
	refused("a=12abc\n", "t:1:3: syntax error: '12abc' is not a number, expected '[', a string "
			     "or a number\n");
	refused("a=@\n", "t:1:3: syntax error: found '@', expected '[', a string or a "
			 "number\n");
	refused("a=\001\n", "t:1:3: syntax error: found a byte 0x01, expected '[', a string or "
			    "a number\n");
	refused("a=[[[[[[[[[[[[[[[[[1", "t:1:19: syntax error: lists are nested more than 16 deep, "
					"expected '[', ']', a string or a number\n");
	refused("a=]\n", "t:1:3: syntax error: found ']', expected '[', a string or a "
			 "number\n");
}

static void too_long(void **state)
{
	size_t len = CFG_MAX_BYTES + 1;
	char *text = malloc(len);
	struct cfg_file *file = NULL;

	memset(text, ' ', len);
	assert_int_equal(cfg_parse("t", text, len, fake_report(), &file), -EINVAL);
	assert_string_equal(fake_report_text(), "t: the file is longer than 1048576 bytes\n");
	free(text);
}

/* ---- the keys ----------------------------------------------------------------------- */

static void all_keys(void **state)
{
	struct domain_config cfg;

	apply_well(
		"name='a'\ntype='pv'\nuuid='b3ecc708-7026-4b2c-85c2-2014f77d2ce8'\npool='P'\n"
		"kernel='/k'\nramdisk='/r'\nroot='/dev/xvda'\nextra='quiet'\nbootloader='pygrub'\n"
		"bootloader_args=['-a','-b']\nmemory='64'\nmaxmem=0x80\nvcpus=2\nmaxvcpus='3'\n"
		"cpus='0-1'\ncpus_soft=['2','3-4']\ncpu_weight=300\ncap=10\n"
		"on_poweroff='preserve'\non_reboot='destroy'\non_watchdog='restart'\n"
		"on_crash='coredump-destroy'\non_soft_reset='rename-restart'\n"
		"max_event_channels=100\nmax_grant_frames=9\nmax_maptrack_frames=8\n"
		"max_grant_version=1\ntsc_mode='native'\nrtc_timeoffset=-3600\nlocaltime=1\n"
		"nomigrate=1\ndriver_domain=1\nxend_suspend_evtchn_compat=1\ne820_host=1\n"
		"msr_relaxed=1\nclaim_mode=0\npassthrough='disabled'\n"
		"disk=['phy:/dev/x,xvda,w']\nvif=['bridge=br9','']\n",
		&cfg);
	assert_string_equal(cfg.name, "a");
	assert_true(cfg.has_uuid);
	assert_string_equal(cfg.pool, "P");
	assert_string_equal(cfg.cmdline, "root=/dev/xvda quiet");
	assert_int_equal(cfg.nr_bootloader_args, 2);
	assert_string_equal(cfg.bootloader_args[1], "-b");
	assert_int_equal(cfg.memory_kb, 64 << 10);
	assert_int_equal(cfg.max_memory_kb, 128 << 10);
	assert_int_equal(cfg.vcpus, 2);
	assert_int_equal(cfg.hard_affinity.nr, 3);
	assert_int_equal(cfg.hard_affinity.maps[2].bits[0], 0x03);
	assert_int_equal(cfg.soft_affinity.nr, 2);
	assert_int_equal(cfg.soft_affinity.maps[1].bits[0], 0x18);
	assert_int_equal(cfg.cpu_weight, 300);
	assert_int_equal(cfg.cap, 10);
	assert_int_equal(cfg.on_poweroff, DOMAIN_ACTION_PRESERVE);
	assert_int_equal(cfg.on_reboot, DOMAIN_ACTION_DESTROY);
	assert_int_equal(cfg.on_watchdog, DOMAIN_ACTION_RESTART);
	assert_int_equal(cfg.on_crash, DOMAIN_ACTION_COREDUMP_DESTROY);
	assert_int_equal(cfg.on_soft_reset, DOMAIN_ACTION_RENAME_RESTART);
	assert_int_equal(cfg.event_channels, 100);
	assert_int_equal(cfg.max_grant_version, 1);
	assert_int_equal(cfg.tsc_mode, DOMAIN_TSC_NATIVE);
	assert_int_equal(cfg.rtc_timeoffset, -3600);
	assert_true(cfg.localtime && cfg.nomigrate && cfg.driver_domain && cfg.e820_host);
	assert_true(cfg.suspend_evtchn_compat && cfg.msr_relaxed && !cfg.claim);
	assert_int_equal(cfg.nr_disks, 1);
	assert_int_equal(cfg.nr_vifs, 2);
	assert_string_equal(cfg.vifs[0].bridge, "br9");
	domain_config_fini(&cfg);
}

static void appending(void **state)
{
	struct domain_config cfg;

	apply_well("name='a'\nextra='p'\nextra+='q'\ndisk=['/a,,xvda']\ndisk+=['/b,,xvdb']\n"
		   "vif+=['']\n",
		   &cfg);
	assert_string_equal(cfg.cmdline, "pq");
	assert_int_equal(cfg.nr_disks, 2);
	assert_int_equal(cfg.nr_vifs, 1);
	domain_config_fini(&cfg);
	apply_says("disk=['/a,,xvda']\ndisk+='x'\n", -EINVAL,
		   "t:2:7: disk is a list, and a string can't be added\n");
}

static void unknown_keys(void **state)
{
	apply_says("memry=5\n", 0,
		   "warning: t:1:1: unknown key 'memry' is ignored; did you mean 'memory'?\n");
	apply_says("vcpu=5\n", 0,
		   "warning: t:1:1: unknown key 'vcpu' is ignored; did you mean 'vcpus'?\n");
	apply_says("zzzzzz=5\n", 0, "warning: t:1:1: unknown key 'zzzzzz' is ignored\n");
	apply_says("\nvnc=1\n", 0, "warning: t:2:5: vnc is ignored: there is no device model\n");
	apply_says("acpi=1\n", 0,
		   "warning: t:1:6: acpi is ignored: it means something to HVM and PVH domains "
		   "only\n");
	apply_says("name='a'\nname='b'\n", 0,
		   "warning: t:2:1: name is set again; line 1 no longer counts\n");
	apply_says("cmdline='a'\nroot='/b'\n", 0,
		   "warning: t: root and extra are ignored because cmdline is given\n");
}

static void wrong_values(void **state)
{
	apply_says("memory='abc'\n", -EINVAL,
		   "t:1:8: memory is a number, and \"abc\" is not one\n");
	apply_says("memory=08\n", -EINVAL, "t:1:8: memory is a number, and \"08\" is not one\n");
	apply_says("memory=0\n", -EINVAL, "t:1:8: memory is a number from 1 to 16777216, not 0\n");
	apply_says("memory=[1]\n", -EINVAL, "t:1:8: memory is a number, not a list\n");
	apply_says("name=['a']\n", -EINVAL, "t:1:6: name is a string, not a list\n");
	apply_says("vcpus=-1\n", -EINVAL, "t:1:7: vcpus is a number from 1 to 8192, not -1\n");
	apply_says("localtime=2\n", -EINVAL, "t:1:11: localtime is a number from 0 to 1, not 2\n");
	apply_says("on_crash='zap'\n", -EINVAL, "t:1:10: unknown action \"zap\" for on_crash\n");
	apply_says("type='hvm'\n", -EINVAL,
		   "t:1:6: type \"hvm\" is not supported: this hypervisor runs PV domains only\n");
	apply_says("type='zap'\n", -EINVAL, "t:1:6: unknown domain type \"zap\"\n");
	apply_says("builder='generic'\n", 0, "");
	apply_says("uuid='1-2'\n", -EINVAL, "t:1:6: \"1-2\" is not a UUID\n");
	apply_says("tsc_mode='fast'\n", -EINVAL,
		   "t:1:10: unknown tsc_mode \"fast\" (there are default, always_emulate and "
		   "native)\n");
	apply_says("disk='/a,,xvda'\n", -EINVAL,
		   "t:1:6: disk is a list: disk = [ \"/a,,xvda\" ]\n");
	apply_says("disk=[['x']]\n", -EINVAL, "t:1:7: disk holds a list inside a list\n");
	apply_says("cpus='z'\n", -EINVAL, "t:1:6: cpus: not a CPU list at 'z'\n");
	apply_says("cpus=['0','9-12']\n", -EINVAL,
		   "t:1:11: cpus: none of the CPUs in '9-12' exists\n");
	apply_says("passthrough='enabled'\n", -EINVAL,
		   "t:1:13: passthrough \"enabled\" is not supported (there is disabled)\n");
	/* All errors show, not just the first. */
	apply_says("disk=['/a,bogus,xvda',\n '/b']\nvif=['mac=1']\n", -EINVAL,
		   "t:1:7: disk: unknown format (there are raw, qcow, qcow2, vhd, qed): 'bogus' in "
		   "'/a,bogus,xvda'\n"
		   "t:2:2: disk: no vdev specified in '/b'\n"
		   "t:3:6: vif: not a MAC address (like 00:16:3e:12:34:56): '1' in 'mac=1'\n");
}

static void overrides(void **state)
{
	const struct cfg_report *report;
	struct cfg_file *files[2];
	struct domain_config cfg;

	files[0] = parse("name='a'\nmemory=64\nextra='x'\n");
	files[1] = parse("memory=99; extra+='y'");
	report = fake_report();
	domain_config_init(&cfg);
	assert_int_equal(cfg_apply_files(files, 2, &host, report, &cfg), 0);
	assert_string_equal(cfg.name, "a");
	assert_int_equal(cfg.memory_kb, 99 << 10);
	assert_string_equal(cfg.cmdline, "xy");
	domain_config_fini(&cfg);
	cfg_free(files[0]);
	cfg_free(files[1]);
}

/* ---- completing ------------------------------------------------------------------------ */

static void finish_says(const char *text, const char *message)
{
	struct domain_config cfg;
	char *reason = NULL;
	int ret;

	apply_well(text, &cfg);
	ret = domain_config_finish(&cfg, &reason);
	assert_int_equal(ret, message ? -EINVAL : 0);
	if (message)
		assert_string_equal(reason, message);
	else
		assert_null(reason);
	free(reason);
	domain_config_fini(&cfg);
}

static void finishing(void **state)
{
	struct domain_config cfg, copy;

	apply_well("name='a'\nkernel='/k'\nvif=['','devid=0','']\nmaxvcpus=2\n", &cfg);
	assert_int_equal(domain_config_finish(&cfg, NULL), 0);
	assert_int_equal(cfg.memory_kb, 32768);
	assert_int_equal(cfg.max_memory_kb, 32768);
	assert_int_equal(cfg.vcpus, 2);
	assert_int_equal(cfg.event_channels, 1023);
	assert_true(cfg.has_uuid);
	assert_int_equal(cfg.vifs[0].devid, 1);
	assert_int_equal(cfg.vifs[1].devid, 0);
	assert_int_equal(cfg.vifs[2].devid, 2);
	assert_memory_equal(cfg.vifs[0].mac, "\x00\x16\x3e", 3);
	assert_int_equal(domain_config_copy(&copy, &cfg), 0);
	assert_int_equal(domain_config_finish(&copy, NULL), 0);
	assert_memory_equal(copy.uuid, cfg.uuid, 16);
	assert_memory_equal(copy.vifs[2].mac, cfg.vifs[2].mac, 6);
	domain_config_fini(&cfg);
	domain_config_fini(&copy);

	finish_says("kernel='/k'\n", "the domain has no name");
	finish_says("name='12'\nkernel='/k'\n", "the domain's name '12' is a number");
	finish_says("name='a/b'\nkernel='/k'\n",
		    "the domain's name contains a slash or a control character");
	finish_says("name='a'\n", "neither a kernel nor a bootloader is given");
	finish_says("name='a'\nkernel='/k'\nmemory=100\nmaxmem=50\n",
		    "memory (100 MiB) exceeds maxmem (50 MiB)");
	finish_says("name='a'\nkernel='/k'\nvcpus=4\nmaxvcpus=2\n",
		    "vcpus (4) exceeds maxvcpus (2)");
	finish_says("name='a'\nkernel='/k'\ncap=101\n",
		    "cap (101) is more than 100 percent of each of 1 vCPUs");
	finish_says("name='a'\nkernel='/k'\ndisk=['/a,,xvda','/b,,xvda']\n",
		    "two disks are called xvda");
	finish_says("name='a'\nkernel='/k'\nvif=['devid=1','devid=1']\n", "two vifs have devid 1");
	finish_says("name='a'\nkernel='/k'\n", NULL);
}

static void distances(void **state)
{
	assert_int_equal(suggest_distance("memory", "memory"), 0);
	assert_int_equal(suggest_distance("memory", "memry"), 1);
	assert_int_equal(suggest_distance("memroy", "memory"), 1);
	assert_int_equal(suggest_distance("", "abc"), 3);
	assert_int_equal(suggest_distance("kitten", "sitting"), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values),       cmocka_unit_test(strings),
		cmocka_unit_test(continuation), cmocka_unit_test(syntax_errors),
		cmocka_unit_test(too_long),     cmocka_unit_test(all_keys),
		cmocka_unit_test(appending),    cmocka_unit_test(unknown_keys),
		cmocka_unit_test(wrong_values), cmocka_unit_test(overrides),
		cmocka_unit_test(finishing),    cmocka_unit_test(distances),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
