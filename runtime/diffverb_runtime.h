/* The runtime in C (C99): models played as they are, and reverbs played live with all controls.
 *
 * Functions that can fail return 0 for success and write one line into `error`, of at most `size` bytes with its end, when
 * they do not succeed; error may be NULL. Handles are opaque, NULL is a handle that does nothing. Paths and texts are UTF-8.
 * Nothing is thrown.
 *
 * Threads: ..._process and ..._reset are for one audio thread: no allocation, no lock, no system call. Setting and getting
 * controls may happen on any thread at any time. All else may wait and allocate, is for any other thread, one at a time.
 * Latency is none: sample n of the input is heard in sample n of the output. */
#ifndef DIFFVERB_RUNTIME_H
#define DIFFVERB_RUNTIME_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- A model as it is: a delay network or a response (weights.h), at its own sample rate. ---- */

typedef struct diffverb_model diffverb_model;

/* Reads and checks a file; NULL and a reason where it is refused. Free it with diffverb_model_close. */
diffverb_model* diffverb_model_open(const char* path, char* error, size_t size);
void diffverb_model_close(diffverb_model* model);
double diffverb_model_rate_hz(const diffverb_model* model);
int diffverb_model_inputs(const diffverb_model* model);
int diffverb_model_outputs(const diffverb_model* model);
/* in [inputs][frames] -> out [outputs][frames], any number of frames; an output may be the memory of an input. */
void diffverb_model_process(diffverb_model* model, const float* const* in, float* const* out, int frames);
/* Silences all tails. */
void diffverb_model_reset(diffverb_model* model);

/* ---- A reverb played live: any file at any rate, controls, models exchanged while it plays (live/live_reverb.h). ---- */

typedef struct diffverb_reverb diffverb_reverb;

/* A reverb with its built-in room; NULL where there is no memory. Free it with diffverb_reverb_free. */
diffverb_reverb* diffverb_reverb_new(void);
void diffverb_reverb_free(diffverb_reverb* reverb);
/* Before the first process, and not while process runs: 8000 to 384000 Hz, 1 or 2 inputs and outputs. */
int diffverb_reverb_prepare(diffverb_reverb* reverb, double rate_hz, int inputs, int outputs, char* error, size_t size);
/* Loads a file of any kind; where it is refused, what plays goes on playing. */
int diffverb_reverb_load(diffverb_reverb* reverb, const char* path, char* error, size_t size);
/* Moves the controls x, y and z to the latent point of a measured response, a WAV of one or two channels, where an
 * autoencoder plays; where there is no such point they stay. */
int diffverb_reverb_match(diffverb_reverb* reverb, const char* response, char* error, size_t size);
void diffverb_reverb_process(diffverb_reverb* reverb, const float* const* in, float* const* out, int frames);
void diffverb_reverb_reset(diffverb_reverb* reverb);
/* Waits until what was loaded and set is what plays next: for offline work. */
void diffverb_reverb_settle(diffverb_reverb* reverb);

/* One control: id is how files and hosts know it, e.g. "mix_percent". */
typedef struct diffverb_control {
  const char* id;
  const char* name;
  const char* unit;
  const char* help;
  double lowest, highest, initial;
} diffverb_control;

int diffverb_control_count(void);
/* Returns 0, or 1 where there is no control of that number. */
int diffverb_control_at(int number, diffverb_control* control);
/* The value is clamped to the control's range. Returns 0, or 1 where no control has that id. From any thread, but an id is
 * searched for: an audio thread that sets controls at every block is better served by the number. */
int diffverb_reverb_set(diffverb_reverb* reverb, const char* id, double value);
int diffverb_reverb_set_at(diffverb_reverb* reverb, int number, double value);
/* Returns 0 and the value, or 1. */
int diffverb_reverb_get(const diffverb_reverb* reverb, const char* id, double* value);

#ifdef __cplusplus
}
#endif

#endif
