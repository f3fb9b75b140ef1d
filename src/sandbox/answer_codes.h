/* SPDX-License-Identifier: Apache-2.0 */
/** answer_codes.h - exit codes by which the scripts of plan.c say what answer.c has a sentence for.
 */
#ifndef SANDBOX_ANSWER_CODES_H
#define SANDBOX_ANSWER_CODES_H

#define CODE_IS_NOT_THERE  "64"
#define CODE_IS_FOLDER	   "65"
#define CODE_IS_NO_FOLDER  "66"
#define CODE_IS_SPECIAL	   "67"
#define CODE_IS_LOST_LINK  "68"
#define CODE_IS_NO_PATTERN "69"

#endif
