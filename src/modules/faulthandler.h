/* The fault handler's end (its start is in runtime/lifecycle.h). */
#ifndef KR_MODULES_FAULTHANDLER_H
#define KR_MODULES_FAULTHANDLER_H

/* Removes all handlers, ends the watchdog and frees everything. */
void kr_faulthandler_finish(void);

#endif
