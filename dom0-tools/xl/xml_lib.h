/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * libxml2, loaded when the first XML is read or written. Few commands ever do,
 * and the library brings libicu and the C++ library with it: three times the
 * start-up time of xl, and 35 MB in a control domain's image.
 */
#ifndef PAVISE_XL_XML_LIB_H
#define PAVISE_XL_XML_LIB_H

#include <libxml/parser.h>
#include <libxml/tree.h>
#include <libxml/xmlwriter.h>

#define XML_LIB_SYMBOLS(SYMBOL)              \
	SYMBOL(xmlBufferContent)             \
	SYMBOL(xmlBufferCreate)              \
	SYMBOL(xmlBufferFree)                \
	SYMBOL(xmlCtxtGetLastError)          \
	SYMBOL(xmlCtxtReadMemory)            \
	SYMBOL(xmlDocGetRootElement)         \
	SYMBOL(xmlFirstElementChild)         \
	SYMBOL(xmlFree)                      \
	SYMBOL(xmlFreeDoc)                   \
	SYMBOL(xmlFreeParserCtxt)            \
	SYMBOL(xmlFreeTextWriter)            \
	SYMBOL(xmlGetLineNo)                 \
	SYMBOL(xmlGetNoNsProp)               \
	SYMBOL(xmlNewParserCtxt)             \
	SYMBOL(xmlNewTextWriterMemory)       \
	SYMBOL(xmlNextElementSibling)        \
	SYMBOL(xmlNodeGetContent)            \
	SYMBOL(xmlTextWriterEndElement)      \
	SYMBOL(xmlTextWriterSetIndent)       \
	SYMBOL(xmlTextWriterSetIndentString) \
	SYMBOL(xmlTextWriterStartElement)    \
	SYMBOL(xmlTextWriterWriteAttribute)  \
	SYMBOL(xmlTextWriterWriteElement)    \
	SYMBOL(xmlTextWriterWriteString)

/* Each of them by its own name (xmlFree is a pointer to the function's pointer). */
struct xml_lib {
#define XML_LIB_FIELD(name) __typeof__ (&(name))(name);
	XML_LIB_SYMBOLS(XML_LIB_FIELD)
#undef XML_LIB_FIELD
};

/* Valid after xml_lib_load(). */
extern struct xml_lib lx;

/* Loads it, once. -ENOPKG: it isn't there; *ret_why says so, until the next call. */
int xml_lib_load(const char **ret_why);

#endif
