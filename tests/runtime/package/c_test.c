/* c_test FOLDER: the C header as C99, from an installed package. FOLDER holds the golden files. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/diffverb_runtime.h"

enum { FRAMES = 1024 };

static int failures = 0;

static void expect(int is_true, const char* what) {
  if (is_true) return;
  ++failures;
  fprintf(stderr, "not so: %s\n", what);
}

static double energy(const float* sound, int frames) {
  double sum = 0;
  for (int n = 0; n < frames; ++n) sum += (double)sound[n] * (double)sound[n];
  return sum;
}

/* Plays the golden noise in uneven blocks and compares with what is stored. */
static void test_model(const char* folder) {
  static float in[2][FRAMES], out[2][FRAMES], stored[2][FRAMES];
  char path[1024], error[200] = "";
  snprintf(path, sizeof path, "%s/delay_network_1.0.safetensors", folder);
  diffverb_model* model = diffverb_model_open(path, error, sizeof error);
  expect(model != NULL && error[0] == '\0', error);
  expect(diffverb_model_rate_hz(model) == 48000, "the rate is 48000");
  expect(diffverb_model_inputs(model) == 2 && diffverb_model_outputs(model) == 2, "two inputs and outputs");
  snprintf(path, sizeof path, "%s/delay_network_1.0.safetensors.f32", folder);
  FILE* file = fopen(path, "rb");
  expect(file && fread(stored, sizeof stored, 1, file) == 1, "the stored samples are there");
  if (file) fclose(file);
  unsigned random = 1;
  for (int i = 0; i < 2; ++i) {
    for (int n = 0; n < 300; ++n) {
      random = random * 1664525u + 1013904223u;
      in[i][n] = (float)((int)(random >> 16) - 32768) / 65536.0f;
    }
  }
  for (int turn = 0; turn < 2; ++turn) {
    for (int at = 0, block = 1; at < FRAMES; at += block, block = 2 * block + 1) {
      if (block > FRAMES - at) block = FRAMES - at;
      const float* from[] = {in[0] + at, in[1] + at};
      float* to[] = {out[0] + at, out[1] + at};
      diffverb_model_process(model, from, to, block);
    }
    double difference = 0;
    for (int n = 0; n < 2 * FRAMES; ++n) difference = fmax(difference, fabs((double)(out[0][n] - stored[0][n])));
    expect(energy(out[0], 2 * FRAMES) > 1 && difference < 1e-6, turn ? "the same again after reset" : "what it played");
    diffverb_model_reset(model);
  }
  diffverb_model_close(model);
  diffverb_model_close(NULL);
}

static void test_errors(const char* folder) {
  char error[16] = "";
  expect(diffverb_model_open("/no/such/file", error, sizeof error) == NULL, "no model of no file");
  expect(strcmp(error, "no such file") == 0, "its reason");
  expect(diffverb_model_open(folder, error, sizeof error) == NULL && strlen(error) < sizeof error,
         "a long reason is cut");
  expect(diffverb_model_open(NULL, NULL, 0) == NULL, "no path, no room for a reason");
  expect(diffverb_model_rate_hz(NULL) == 0, "NULL does nothing");
  diffverb_reverb* reverb = diffverb_reverb_new();
  expect(diffverb_reverb_prepare(reverb, 48000, 7, 2, error, sizeof error) == 1 && error[0],
         "seven inputs are refused");
  expect(diffverb_reverb_load(reverb, "/no/such/file", error, sizeof error) == 1 && error[0], "so is no file");
  expect(diffverb_reverb_set(reverb, "loudness", 1) == 1, "there is no such control");
  expect(diffverb_reverb_set_at(reverb, diffverb_control_count(), 1) == 1, "nor one beyond the last");
  diffverb_reverb_free(reverb);
  diffverb_reverb_free(NULL);
}

static void test_reverb(const char* folder) {
  static float left[48000], right[48000];
  char path[1024], error[200] = "";
  double value = 0;
  diffverb_control control;
  diffverb_reverb* reverb = diffverb_reverb_new();
  expect(diffverb_reverb_prepare(reverb, 48000, 2, 2, error, sizeof error) == 0, error);
  snprintf(path, sizeof path, "%s/delay_network_1.0.safetensors", folder);
  expect(diffverb_reverb_load(reverb, path, error, sizeof error) == 0, error);
  for (int i = 0; i < diffverb_control_count(); ++i) {
    expect(diffverb_control_at(i, &control) == 0 && control.id && control.name && control.unit && control.help,
           "a control");
    expect(diffverb_reverb_get(reverb, control.id, &value) == 0 && value == control.initial, "begins where it says");
    expect(diffverb_reverb_set(reverb, control.id, control.highest + 1000) == 0, "can be set");
    expect(diffverb_reverb_get(reverb, control.id, &value) == 0 && value == control.highest, "is clamped");
    expect(diffverb_reverb_set_at(reverb, i, control.initial) == 0, "can be set by number");
  }
  diffverb_reverb_settle(reverb);
  left[0] = right[0] = 0.5f;
  float* channels[] = {left, right};
  const float* sources[] = {left, right};
  diffverb_reverb_process(reverb, sources, channels, 48000);
  expect(energy(left, 48000) > 1e-6 && energy(right, 48000) > 1e-6, "a reverb is heard");
  diffverb_reverb_reset(reverb);
  memset(left, 0, sizeof left);
  memset(right, 0, sizeof right);
  diffverb_reverb_process(reverb, sources, channels, 48000);
  expect(energy(left, 48000) + energy(right, 48000) < 1e-12, "and silent after reset");
  diffverb_reverb_free(reverb);
}

int main(int count, char** arguments) {
  if (count != 2) return 2;
  test_model(arguments[1]);
  test_errors(arguments[1]);
  test_reverb(arguments[1]);
  return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
