// SPDX-License-Identifier: BSD-3-Clause
// The program in a directory of a test's own, for tests of what it writes there.
#ifndef VS_TESTS_RESULTS_SHELL_H_
#define VS_TESTS_RESULTS_SHELL_H_

// Runs a program, and sends it the signal once the condition holds; see the script.
#define SIGNAL_WHEN VS_SOURCE_DIR "/conformance/tests/signal_when "
// So many results are in that journal: its first line is its heading.
#define JUDGED(count, journal) "'[ $(wc -l < " journal ") -gt " #count " ]' "

// Each test's, from make_directory to remove_directory.
extern char directory[];
void make_directory(void);
void remove_directory(void);

// Runs the program with these arguments, or a shell's line, in which % stands for the directory;
// the exit status (any, for -1) and words of both streams are as they should be, or the test fails.
void expect(const char* arguments, int status, const char* words);
void expect_without(const char* arguments, const char* words);
// The number that stands after these words in what the last one printed; 0: none does.
unsigned number_after(const char* words);
void expect_shell(const char* line, int status, const char* words);
void expect_shell_without(const char* line, const char* words);

// What the last of these printed.
const char* printed(void);

// Writes a file of the directory.
void write_file(const char* name, const char* text);

#endif  // VS_TESTS_RESULTS_SHELL_H_
