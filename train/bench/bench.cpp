#include "train/bench/bench.h"

#include <ATen/Parallel.h>

#include "train/bench/bench_autoencoder.h"
#include "train/bench/bench_engine.h"
#include "train/bench/bench_fit.h"
#include "train/bench/bench_flamo.h"
#include "train/bench/bench_gpu.h"
#include "train/bench/bench_griffin_lim.h"
#include "train/bench/bench_growth.h"
#include "train/bench/bench_image_source.h"
#include "train/bench/bench_losses.h"
#include "train/bench/bench_precision.h"
#include "train/bench/bench_roofline.h"
#include "train/bench/bench_solvers.h"

namespace diffverb {

int bench_threads() { return at::get_num_threads(); }

std::vector<Bench> all_benches() {
  return {{"solver", solver_benches()},           {"time", time_benches()},
          {"roofline", roofline_benches()},       {"flamo_colorless", flamo_colorless_benches()},
          {"flamo_e8", flamo_e8_benches()},       {"engine", engine_benches({})},
          {"griffin_lim", griffin_lim_benches()}, {"image_source", image_source_benches()},
          {"losses", losses_benches()},           {"autoencoder", autoencoder_benches()},
          {"growth", growth_benches(), true},     {"precision", precision_benches(), true},
          {"fit", fit_benches(), true},           {"gpu", gpu_benches(), true}};
}

}  // namespace diffverb
