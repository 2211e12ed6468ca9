/*
 * One operation, done by the process under the shim as it stands, and by the plain one so that its
 * memory comes to lie where the other's does.
 */
#ifndef ACT_H
#define ACT_H

#include "shared.h"

/* Files, pipe and protection key. Before view_init. */
void act_init(enum side side);

/* New ones. */
void act_reset(void);

/*
 * Does it. The plain side finds in *outcome what the shimmed one got and writes down its own, equal
 * unless there is a difference. False: what is live now is not known; look at the whole state.
 */
bool act(const struct op *op, struct outcome *outcome);

#endif
