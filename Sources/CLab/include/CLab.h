#ifndef CLAB_H
#define CLAB_H

#include "lab_intercept.h"
#include "lab_launcher.h"
#include "lab_namespaces.h"
#include "lab_packets.h"
#include "lab_probe.h"
#include "lab_tap.h"

#endif
