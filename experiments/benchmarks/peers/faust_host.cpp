// Plays a Faust program: faust -lang cpp -a faust_host.cpp reverb.dsp -o reverb.cpp (Debian: apt-get install faust), then
//     c++ -std=c++17 -Ofast -march=native -I train/bench reverb.cpp -o reverb      the flags of Faust's own scripts
//     ./reverb SOUND.f32 BLOCK
#include <cmath>
#include <cstdlib>

#include "faust/dsp/dsp.h"
#include "faust/gui/UI.h"
#include "faust/gui/meta.h"
#include "turns.h"

<<includeIntrinsic>>

<<includeclass>>

using namespace diffverb::turns;

int main(int argc, char** argv) {
  if (argc != 3) return 1;
  mydsp reverb;
  if (reverb.getNumInputs() != 2 || reverb.getNumOutputs() != 2) return 1;
  reverb.init(kRate);
  return take_turns("Faust " FAUSTVERSION, read_sound(argv[1]), std::atoi(argv[2]),
                    [&](const float** in, float** out, int frames) {
                      float* from[2] = {const_cast<float*>(in[0]), const_cast<float*>(in[1])};
                      reverb.compute(frames, from, out);
                    });
}
