// SPDX-License-Identifier: BSD-3-Clause
// A shared object that has nothing to do with vCPUs.
int unrelated(void);
int unrelated(void) {
  return 1;
}
