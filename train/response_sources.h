#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/audio_file.h"
#include "core/error.h"

namespace diffverb {

/// A measured response that a model is set beside, all of its channels.
struct EvaluatedResponse {
  std::string file, room;
  int first_channel = 0;  // of the file, from 0
  Audio audio;
};

/// A response that can be read when its turn comes.
struct ResponseSource {
  std::string name;  // for messages
  std::function<EvaluatedResponse()> read;
};

/// What names stand for: sound files, the responses of SOFA files, folders of either, and the examples of one split of
/// data files (.h5), each a channel. A folder below a folder that was given is a room.
///
/// One that cannot be read is logged, gives `exit_code` its code, and the others go on.
std::vector<ResponseSource> response_sources(const std::vector<std::string>& names, const std::string& split,
                                             int& exit_code);

/// Logs a DataError, with the name that it is about, and keeps its exit code.
void tell(const DataError& error, const std::string& name, int& exit_code);

/// One bad response of many is told, and the others go on.
template <class Action>
void guarded(const std::string& name, int& exit_code, const Action& action) {
  try {
    action();
  } catch (const DataError& error) {
    tell(error, name, exit_code);
  }
}

}  // namespace diffverb
