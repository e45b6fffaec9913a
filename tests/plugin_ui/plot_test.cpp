#include "plugin/ui/view/plot.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <future>

#include "plugin/ui/view/picture_worker.h"

namespace diffverb::ui {
namespace {

ResponsePicture straight_decay(double t60_s, double seconds) {
  ResponsePicture picture;
  picture.seconds = seconds;
  for (double t = 0; t < seconds; t += ResponsePicture::kStepSeconds)
    picture.all.level_db.push_back(static_cast<float>(-60 * t / t60_s));
  picture.all.t60_s = t60_s;
  return picture;
}

TEST(Plot, TheAxisHoldsTheDecay) {
  EXPECT_DOUBLE_EQ(axis_end_s(straight_decay(0.9, 3)), 1);
  EXPECT_DOUBLE_EQ(axis_end_s(straight_decay(1.1, 3)), 1.5);
  EXPECT_DOUBLE_EQ(axis_end_s(straight_decay(4.4, 3)), 5);  // the curve ends before: its decay time counts
  EXPECT_DOUBLE_EQ(axis_end_s(straight_decay(0.16, 3)), 0.2);
  EXPECT_DOUBLE_EQ(axis_end_s(ResponsePicture{}), 0.05);
  EXPECT_DOUBLE_EQ(axis_end_s(straight_decay(1000, 3)), 50);
}

TEST(Plot, TicksAreFewAndRound) {
  for (const double end : {0.05, 0.08, 0.1, 0.15, 0.2, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 15.0, 50.0}) {
    const auto ticks = time_ticks(end);
    EXPECT_GE(ticks.size(), 3u) << end;
    EXPECT_LE(ticks.size(), 5u) << end;
    EXPECT_NEAR(ticks.back().seconds, end, 1e-9);
  }
  EXPECT_EQ(time_ticks(1)[0].text, "0.2 s");
  EXPECT_EQ(time_ticks(5)[0].text, "1 s");
  EXPECT_EQ(time_ticks(15).back().text, "15 s");
  EXPECT_EQ(time_ticks(0.2).back().text, "200 ms");
}

TEST(Plot, ACurveGoesThroughItsValues) {
  const Plot plot{{10, 20, 400, 200}, 2, -60};
  const auto spots = curve(straight_decay(1, 3).all, plot);
  ASSERT_GT(spots.size(), 100u);
  EXPECT_LE(spots.size(), 801u);
  EXPECT_FLOAT_EQ(spots.front().x, 10);
  EXPECT_FLOAT_EQ(spots.front().y, 20);
  EXPECT_NEAR(spots.back().x, 210, 1);  // 60 dB down after 1 of 2 s
  EXPECT_NEAR(spots.back().y, 220, 1);
  for (const Spot& spot : spots) EXPECT_NEAR((spot.x - 10) / 200, (spot.y - 20) / 200, 0.01);
}

TEST(Plot, EachColumnHoldsItsLoudestSample) {
  std::vector<float> peaks(2000, -50.f);
  peaks[1500] = -3;
  const Plot plot{{0, 0, 200, 100}, 2, -60};
  const auto levels = columns(peaks, plot);
  ASSERT_EQ(levels.size(), 200u);
  EXPECT_FLOAT_EQ(levels[150], -3);
  EXPECT_FLOAT_EQ(levels[149], -50);
  const Plot longer{{0, 0, 200, 100}, 4, -60};
  EXPECT_FLOAT_EQ(columns(peaks, longer)[199], -60);
}

TEST(PictureWorker, MakesOnlyTheLastOfWhatIsAskedMeanwhile) {
  std::promise<void> started, go;
  std::atomic<int> made = 0;
  PictureWorker worker;
  worker.ask([&] {
    started.set_value();
    go.get_future().wait();
    ++made;
    return straight_decay(1, 1);
  });
  started.get_future().wait();
  EXPECT_FALSE(worker.is_idle());
  for (int i = 0; i < 10; ++i) {
    worker.ask([&made, i] {
      ++made;
      return straight_decay(2 + i, 1);
    });
  }
  go.set_value();
  std::shared_ptr<const ResponsePicture> last;
  while (!worker.is_idle() || !last) {
    if (const auto picture = worker.take()) last = picture;
    std::this_thread::yield();
  }
  if (const auto picture = worker.take()) last = picture;
  EXPECT_EQ(made, 2);
  EXPECT_EQ(last->all.t60_s, 11);
  EXPECT_FALSE(worker.take());
}

TEST(PictureWorker, GoesOnAfterAJobThatThrows) {
  PictureWorker worker;
  std::promise<void> thrown;
  worker.ask([&]() -> ResponsePicture {
    thrown.set_value();
    throw std::bad_alloc();
  });
  thrown.get_future().wait();
  while (!worker.is_idle()) std::this_thread::yield();
  EXPECT_FALSE(worker.take());
  worker.ask([] { return straight_decay(3, 1); });
  while (!worker.is_idle()) std::this_thread::yield();
  const auto picture = worker.take();
  ASSERT_TRUE(picture);
  EXPECT_EQ(picture->all.t60_s, 3);
}

TEST(PictureWorker, EndsWithoutHavingBeenAsked) { PictureWorker worker; }

}  // namespace
}  // namespace diffverb::ui
