-- The plug-in in Ardour without a window: a session with it as LV2 and as VST3, and what each is set to.
--   ardour7-lua tests/plugin/by_hand/ardour.lua make FOLDER      a new session, settings that are no defaults, saved
--   ardour7-lua tests/plugin/by_hand/ardour.lua show FOLDER      the session loaded again; prints the same lines
-- Both have an LSP oscillator before them (Debian: lsp-plugins-lv2), so that an export has sound. VST3 is there once it was
-- scanned: LD_LIBRARY_PATH=/usr/lib/ardour7 /usr/lib/ardour7/ardour-vst3-scanner ~/.vst3/diffverb-reverb.vst3
local action, folder = arg[1], arg[2]
local kLv2, kVst3 = "urn:diffverb:reverb", "2046504473616C636272764400000000"
local kSettings = {Decay = 1.75, Mix = 42, Width = 2, Size = 1.5}

local backend = AudioEngine:set_backend("None (Dummy)", "", "")
backend:set_device_name("Silence")
backend:set_buffer_size(256)
backend:set_sample_rate(48000)

-- Names of the controls that a host sets, in its order.
local function controls(processor)
  local names, plugin = {}, processor:to_insert():plugin(0)
  for n = 0, plugin:parameter_count() - 1 do
    if plugin:parameter_is_control(n) and plugin:parameter_is_input(n) then
      names[#names + 1] = plugin:parameter_label(n)
    end
  end
  return names
end

local function add_track(session, id, kind)
  local track
  local tracks = session:new_audio_track(1, 2, nil, 1, "Reverb", ARDOUR.PresentationInfo.max_order,
                                         ARDOUR.TrackMode.Normal, true)
  for t in tracks:iter() do track = t end
  local sound = "http://lsp-plug.in/plugins/lv2/oscillator_mono"
  track:add_processor_by_index(ARDOUR.LuaAPI.new_plugin(session, sound, ARDOUR.PluginType.LV2, ""), 0, nil, true)
  local reverb = ARDOUR.LuaAPI.new_plugin(session, id, kind, "")
  assert(not reverb:isnil(), "Ardour does not find " .. id)
  track:add_processor_by_index(reverb, 1, nil, true)
  for i, name in ipairs(controls(reverb)) do
    if kSettings[name] then assert(ARDOUR.LuaAPI.set_processor_param(reverb, i - 1, kSettings[name])) end
  end
end

local function show(route)
  local at = 0
  while not route:nth_plugin(at):isnil() do
    local plugin, line = route:nth_plugin(at), route:name() .. ":"
    for i, name in ipairs(controls(plugin)) do
      line = line .. string.format(" %s=%.6g", name, ARDOUR.LuaAPI.get_processor_param(plugin, i - 1, true))
    end
    if plugin:name() == "diffverb" then print(line) end
    at = at + 1
  end
end

local session
if action == "make" then
  session = create_session(folder, "session", 48000)
  add_track(session, kLv2, ARDOUR.PluginType.LV2)
  add_track(session, kVst3, ARDOUR.PluginType.VST3)
else
  session = load_session(folder, "session")
end
assert(session)
for route in session:get_routes():iter() do show(route) end
session:save_state("")
close_session()
quit()
