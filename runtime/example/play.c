/* The same as play.cpp, in C. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/diffverb_runtime.h"

enum { BLOCK = 256, RATE = 48000 };

static int set_up(diffverb_reverb* reverb, int count, char** arguments, char* error, size_t size) {
  if (count < 2) return snprintf(error, size, "play_c FILE [CONTROL=VALUE ...] < in > out");
  if (diffverb_reverb_prepare(reverb, RATE, 2, 2, error, size)) return 1;
  if (diffverb_reverb_load(reverb, arguments[1], error, size)) return 1;
  for (int i = 2; i < count; ++i) {
    char id[64] = "";
    const char* equals = strchr(arguments[i], '=');
    if (equals && equals - arguments[i] < 64) memcpy(id, arguments[i], (size_t)(equals - arguments[i]));
    if (!equals || diffverb_reverb_set(reverb, id, atof(equals + 1)))
      return snprintf(error, size, "no such control: %s", arguments[i]);
  }
  diffverb_reverb_settle(reverb);
  return 0;
}

int main(int count, char** arguments) {
  static float frames[2 * BLOCK], left[BLOCK], right[BLOCK];
  float* channels[] = {left, right};
  const float* sources[] = {left, right};
  char error[256];
  diffverb_reverb* reverb = diffverb_reverb_new();
  if (set_up(reverb, count, arguments, error, sizeof error)) {
    fprintf(stderr, "%s\n", error);
    diffverb_reverb_free(reverb);
    return 1;
  }
  for (int tail = 2 * RATE; tail > 0;) {
    const int read = (int)fread(frames, 2 * sizeof(float), BLOCK, stdin);
    for (int n = 0; n < BLOCK; ++n) {
      left[n] = n < read ? frames[2 * n] : 0;
      right[n] = n < read ? frames[2 * n + 1] : 0;
    }
    diffverb_reverb_process(reverb, sources, channels, BLOCK);
    for (int n = 0; n < BLOCK; ++n) frames[2 * n] = left[n], frames[2 * n + 1] = right[n];
    fwrite(frames, 2 * sizeof(float), BLOCK, stdout);
    tail -= BLOCK - read;
  }
  diffverb_reverb_free(reverb);
  return 0;
}
