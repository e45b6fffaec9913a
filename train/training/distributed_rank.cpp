#include <cstdlib>
#include <optional>

#include "core/error.h"
#include "train/training/distributed.h"

namespace diffverb {
namespace {

std::optional<std::string> variable(const char* name) {
  const char* value = std::getenv(name);
  if (!value || !*value) return std::nullopt;
  return std::string(value);
}

int number(const char* name, const std::string& text, int least, int most) {
  char* end = nullptr;
  const long value = std::strtol(text.c_str(), &end, 10);
  if (*end != '\0' || value < least || value > most)
    throw ConfigError(std::string("environment variable ") + name + " is '" + text + "', expected a number from " +
                      std::to_string(least) + " to " + std::to_string(most));
  return static_cast<int>(value);
}

int number_or(const char* name, int otherwise, int least, int most) {
  const auto text = variable(name);
  return text ? number(name, *text, least, most) : otherwise;
}

constexpr int kMostRanks = 1 << 16;

Rank by_hand_or_torchrun() {
  Rank out;
  for (const char* name : {"RANK", "WORLD_SIZE"}) {
    if (!variable(name))
      throw ConfigError(std::string("environment variable ") + name +
                        " is not set, but other parts of RANK, WORLD_SIZE, MASTER_ADDR, MASTER_PORT are");
  }
  out.size = number_or("WORLD_SIZE", 1, 1, kMostRanks);
  out.rank = number_or("RANK", 0, 0, out.size - 1);
  out.local_rank = number_or("LOCAL_RANK", out.rank, 0, kMostRanks);
  out.local_size = number_or("LOCAL_WORLD_SIZE", 1, 1, kMostRanks);
  if (out.size == 1) return out;
  for (const char* name : {"MASTER_ADDR", "MASTER_PORT"}) {
    if (!variable(name))
      throw ConfigError(std::string("environment variable ") + name + " is not set, and WORLD_SIZE is " +
                        std::to_string(out.size));
  }
  out.address = *variable("MASTER_ADDR");
  out.port = number_or("MASTER_PORT", 0, 1, 65535);
  out.agent_store = variable("TORCHELASTIC_USE_AGENT_STORE").value_or("") == "True";
  out.prefix = variable("TORCHELASTIC_RESTART_COUNT").value_or("0");
  return out;
}

Rank by_slurm() {
  Rank out;
  out.size = number_or("SLURM_STEP_NUM_TASKS", 1, 1, kMostRanks);
  out.rank = number_or("SLURM_PROCID", 0, 0, out.size - 1);
  out.local_rank = number_or("SLURM_LOCALID", 0, 0, kMostRanks);
  if (const auto tasks = variable("SLURM_STEP_TASKS_PER_NODE")) out.local_size = std::max(1, std::atoi(tasks->c_str()));
  if (out.size == 1) return out;
  const auto nodes = variable("SLURM_STEP_NODELIST");
  out.address = variable("MASTER_ADDR").value_or(nodes ? first_host(*nodes) : "");
  if (out.address.empty())
    throw ConfigError("srun started " + std::to_string(out.size) +
                      " tasks, but neither SLURM_STEP_NODELIST nor MASTER_ADDR says where rank 0 is");
  constexpr int kFirstPort = 20000, kPorts = 20000;
  out.port = number_or("MASTER_PORT", kFirstPort + number_or("SLURM_JOB_ID", 0, 0, 1 << 30) % kPorts, 1, 65535);
  out.prefix = variable("SLURM_STEP_ID").value_or("0");
  return out;
}

}  // namespace

std::string first_host(const std::string& node_list) {
  const auto bracket = node_list.find('[');
  const auto comma = node_list.find(',');
  if (bracket == std::string::npos || comma < bracket) return node_list.substr(0, comma);
  const auto end = node_list.find_first_of(",-]", bracket + 1);
  const auto close = node_list.find(']', bracket);
  if (end == std::string::npos || close == std::string::npos) return "";
  const auto after = node_list.find(',', close);  // a suffix may follow the bracket
  const std::string suffix =
      node_list.substr(close + 1, after == std::string::npos ? std::string::npos : after - close - 1);
  return node_list.substr(0, bracket) + node_list.substr(bracket + 1, end - bracket - 1) + suffix;
}

Rank rank_from_environment() {
  if (variable("RANK") || variable("WORLD_SIZE")) return by_hand_or_torchrun();
  if (variable("SLURM_STEP_NUM_TASKS") && variable("SLURM_PROCID")) return by_slurm();
  return {};
}

}  // namespace diffverb
