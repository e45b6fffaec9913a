#include "core/solvers/time_block.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "core/seed.h"
#include "core/solvers/time_kernel.h"
#include "tests/core/solvers/host_team.h"

// The GPU's recursion, its lanes taken in turns here, against the CPU's kernel: what can be proved without a GPU.
namespace diffverb {
namespace {

struct Shape {
  int lines, inputs, outputs, sections, samples, shortest, longest, networks = 1;
};

std::string text(const Shape& s) {
  return std::to_string(s.lines) + " lines, " + std::to_string(s.inputs) + " in, " + std::to_string(s.outputs) +
         " out, " + std::to_string(s.sections) + " sections, " + std::to_string(s.samples) + " samples, delays from " +
         std::to_string(s.shortest) + " to " + std::to_string(s.longest);
}

/// Networks that decay, and what drives them.
template <typename S>
struct Networks {
  Shape shape;
  std::vector<S> a, b, c, d, input, grad;
  std::vector<double> delays, sos;

  explicit Networks(const Shape& s) : shape(s) {
    Random random(static_cast<std::uint64_t>(s.lines * 1000 + s.samples), "time_block");
    const auto fill = [&](std::vector<S>& to, int count, double scale) {
      for (int i = 0; i < count * s.networks; ++i) to.push_back(static_cast<S>(random.uniform(-scale, scale)));
    };
    fill(a, s.lines * s.lines, 0.9 / s.lines);
    fill(b, s.lines * s.inputs, 1);
    fill(c, s.outputs * s.lines, 1);
    fill(d, s.outputs * s.inputs, 1);
    fill(input, s.inputs * s.samples, 1);
    fill(grad, s.outputs * s.samples, 1);
    for (int j = 0; j < s.lines * s.networks; ++j)
      delays.push_back(j % s.lines == 0 ? s.shortest : random.integer(s.shortest, s.longest));
    for (int i = 0; i < s.lines * s.sections * s.networks; ++i) {
      const double r = random.uniform(0.2, 0.9), angle = random.uniform(0.1, 3.0), zero = r * random.uniform(0.8, 0.98);
      const double scale = 0.8 + 0.2 * random.uniform(0, 1);
      sos.insert(sos.end(),
                 {scale, -2 * scale * zero * std::cos(angle), scale * zero * zero, -2 * r * std::cos(angle), r * r});
    }
  }
};

/// What both solvers give.
template <typename S>
struct Answer {
  std::vector<S> output, grad_input;
  std::vector<double> a, b, c, d, sos;
};

template <typename T>
void append(std::vector<T>& to, const std::vector<T>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

template <typename S>
Answer<S> by_kernel(const Networks<S>& n) {
  const Shape& s = n.shape;
  Answer<S> out;
  for (int r = 0; r < s.networks; ++r) {
    std::vector<std::int64_t> delays(n.delays.begin() + r * s.lines, n.delays.begin() + (r + 1) * s.lines);
    TimeProblem<S> p;
    p.samples = s.samples, p.lines = s.lines, p.inputs = s.inputs, p.outputs = s.outputs, p.sections = s.sections;
    p.a = n.a.data() + r * s.lines * s.lines;
    p.b = n.b.data() + r * s.lines * s.inputs;
    p.c = n.c.data() + r * s.outputs * s.lines;
    p.d = n.d.data() + r * s.outputs * s.inputs;
    p.delays = delays.data();
    p.sos = n.sos.data() + r * s.lines * s.sections * 5;
    p.input = n.input.data() + r * s.inputs * s.samples;
    std::vector<S> tape(time_tape_size(p)), workspace(time_workspace_size(p)), y(s.outputs * s.samples),
        u(s.inputs * s.samples);
    time_forward(p, y.data(), tape.data());
    TimeGradient<S> gradient;
    gradient.input = u.data();
    time_backward(p, tape.data(), n.grad.data() + r * s.outputs * s.samples, workspace.data(), gradient);
    append(out.output, y), append(out.grad_input, u);
    append(out.a, gradient.a), append(out.b, gradient.b), append(out.c, gradient.c), append(out.d, gradient.d);
    append(out.sos, gradient.sos);
  }
  return out;
}

template <typename S>
Answer<S> by_lanes(const Networks<S>& n, Turns turns) {
  const Shape& s = n.shape;
  const S nothing = std::numeric_limits<S>::quiet_NaN();  // what is read must have been written
  TimeBlocks<S> p;
  p.networks = s.networks, p.samples = s.samples, p.lines = s.lines, p.inputs = s.inputs, p.outputs = s.outputs;
  p.sections = s.sections;
  p.a = n.a.data(), p.b = n.b.data(), p.c = n.c.data(), p.d = n.d.data(), p.input = n.input.data();
  p.delays = n.delays.data(), p.sos = n.sos.data(), p.grad_output = n.grad.data();
  const std::size_t signal = static_cast<std::size_t>(s.networks) * s.lines * s.samples;
  const std::size_t state = static_cast<std::size_t>(s.networks) * p.chunks() * s.sections * 2 * s.lines;
  std::vector<S> filtered(signal, nothing), driven(signal, nothing), mixed(signal, nothing), adjoint(signal, nothing);
  std::vector<S> states(state, nothing), costates(state, nothing);
  std::vector<S> tables(static_cast<std::size_t>(s.networks) * s.sections * 12 * s.lines, nothing);
  Answer<S> out;
  out.output.assign(static_cast<std::size_t>(s.networks) * s.outputs * s.samples, nothing);
  out.grad_input.assign(static_cast<std::size_t>(s.networks) * s.inputs * s.samples, nothing);
  out.sos.assign(n.sos.size(), 0);
  p.output = out.output.data(), p.grad_input = out.grad_input.data(), p.tables = tables.data();
  p.filtered = filtered.data(), p.driven = driven.data(), p.states = states.data();
  p.mixed = mixed.data(), p.driven_adjoint = adjoint.data(), p.costates = costates.data();
  play_lines_on_host(p, turns);
  const TimeEntries<S> entries(p);
  std::vector<double> sums(static_cast<std::size_t>(s.networks) * entries.count());
  sum_lines_on_host(p, sums.data(), out.sos.data(), turns);
  for (int r = 0; r < s.networks; ++r) {
    for (int e = 0; e < entries.count(); ++e) {
      const int row = e / entries.columns, column = e % entries.columns;
      auto& to = row < s.lines ? (column < s.lines ? out.a : out.b) : (column < s.lines ? out.c : out.d);
      to.push_back(sums[static_cast<std::size_t>(r) * entries.count() + e]);
    }
  }
  return out;
}

template <typename T>
double distance(const std::vector<T>& x, const std::vector<T>& y) {
  if (x.size() != y.size()) return std::numeric_limits<double>::infinity();
  double largest = 1e-30, difference = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    largest = std::max(largest, std::abs(static_cast<double>(y[i])));
    const double d = std::abs(static_cast<double>(x[i]) - static_cast<double>(y[i]));
    if (!(d <= difference)) difference = d;
  }
  return difference / largest;
}

template <typename S>
void expect_equal(const Shape& shape, double tolerance) {
  const Networks<S> networks(shape);
  const Answer<S> kernel = by_kernel(networks), lanes = by_lanes(networks, Turns::kForwards);
  EXPECT_LT(distance(lanes.output, kernel.output), tolerance) << text(shape);
  EXPECT_LT(distance(lanes.grad_input, kernel.grad_input), tolerance) << text(shape);
  EXPECT_LT(distance(lanes.a, kernel.a), tolerance) << text(shape);
  EXPECT_LT(distance(lanes.b, kernel.b), tolerance) << text(shape);
  EXPECT_LT(distance(lanes.c, kernel.c), tolerance) << text(shape);
  EXPECT_LT(distance(lanes.d, kernel.d), tolerance) << text(shape);
  EXPECT_LT(distance(lanes.sos, kernel.sos), tolerance) << text(shape);
  for (const Turns turns : {Turns::kBackwards, Turns::kOddFirst}) {
    const Answer<S> again = by_lanes(networks, turns);
    EXPECT_EQ(again.output, lanes.output) << "the turns of the lanes matter: " << text(shape);
    EXPECT_EQ(again.grad_input, lanes.grad_input) << text(shape);
    EXPECT_EQ(again.a, lanes.a) << text(shape);
    EXPECT_EQ(again.sos, lanes.sos) << text(shape);
  }
}

TEST(TimeBlock, LanesOfTheGpuGiveWhatTheCpuGives) {
  expect_equal<double>({1, 1, 1, 0, 200, 7, 7}, 1e-12);
  expect_equal<double>({1, 1, 1, 2, 900, 600, 600}, 1e-12);
  expect_equal<double>({5, 2, 3, 2, 700, 20, 90}, 1e-12);
  expect_equal<double>({8, 1, 2, 3, 1500, 130, 400, 2}, 1e-12);
  expect_equal<double>({16, 1, 1, 1, 800, 129, 300}, 1e-12);
  expect_equal<double>({33, 1, 2, 0, 400, 40, 99, 3}, 1e-12);
  expect_equal<double>({64, 1, 1, 2, 300, 33, 150}, 1e-12);
  expect_equal<float>({13, 2, 1, 3, 3000, 400, 900, 2}, 2e-5);
  expect_equal<float>({16, 1, 2, 11, 2000, 530, 900}, 2e-5);
  expect_equal<float>({64, 1, 1, 1, 700, 140, 300}, 2e-5);
}

TEST(TimeBlock, IsRightForEveryShortestDelayAndLength) {
  for (const int shortest : {1, 2, 3, 4, 7, 8, 15, 16, 17, 31, 32, 33, 48, 511, 512, 513}) {
    for (const int samples : {1, 2, 15, 16, 17, 32, 33, 531})
      expect_equal<double>({3, 1, 2, 2, samples, shortest, shortest + 5}, 1e-11);
  }
}

TEST(TimeBlock, NeedsNoMoreMemoryThanABlockOfAnyGpuHas) {
  for (int lines = 1; lines <= 64; ++lines) {
    EXPECT_LE(TimeMemory<float>::bytes(lines), 99u * 1024) << lines;
    EXPECT_LE(TimeMemory<double>::bytes(lines), 99u * 1024) << lines;
  }
}

}  // namespace
}  // namespace diffverb
