#ifndef CLINUX_H
#define CLINUX_H

#include "datagrams.h"
#include "event_loop.h"
#include "guardian.h"
#include "heap.h"
#include "process_table.h"

#endif
