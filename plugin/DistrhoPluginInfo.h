#pragma once

// What DPF asks of a plug-in, as macros. CMakeLists.txt builds this folder twice: stereo to stereo, and mono to stereo
// (DIFFVERB_PLUGIN_MONO): the formats fix the number of channels of a plug-in.

#define DISTRHO_PLUGIN_BRAND "diffverb"
#ifdef DIFFVERB_PLUGIN_MONO
#define DISTRHO_PLUGIN_NAME "diffverb mono"
#define DISTRHO_PLUGIN_URI "urn:diffverb:reverb-mono"
#define DISTRHO_PLUGIN_CLAP_ID "diffverb.reverb-mono"
#define DISTRHO_PLUGIN_NUM_INPUTS 1
#else
#define DISTRHO_PLUGIN_NAME "diffverb"
#define DISTRHO_PLUGIN_URI "urn:diffverb:reverb"
#define DISTRHO_PLUGIN_CLAP_ID "diffverb.reverb"
#define DISTRHO_PLUGIN_NUM_INPUTS 2
#endif
#define DISTRHO_PLUGIN_NUM_OUTPUTS 2

#define DISTRHO_PLUGIN_LV2_CATEGORY "lv2:ReverbPlugin"
#define DISTRHO_PLUGIN_VST3_CATEGORIES "Fx|Reverb"
#define DISTRHO_PLUGIN_CLAP_FEATURES "audio-effect", "reverb", "stereo"

#define DISTRHO_PLUGIN_IS_RT_SAFE 1
#define DISTRHO_PLUGIN_WANT_PROGRAMS 1
#define DISTRHO_PLUGIN_WANT_STATE 1
#define DISTRHO_PLUGIN_WANT_FULL_STATE 1

// The interface draws what the engine makes: responses of a second or more, up to ten times a second while a knob turns.
// That goes by a pointer (ReverbPlugin), not through the host; without one (a bridge between processes) the interface
// shows the controls alone.
#define DISTRHO_PLUGIN_WANT_DIRECT_ACCESS 1
#define DISTRHO_PLUGIN_MINIMUM_BUFFER_SIZE 8192  // of the LV2 event ports: a path of 4096 characters fits

#ifdef DIFFVERB_PLUGIN_UI
#define DISTRHO_PLUGIN_HAS_UI 1
#define DISTRHO_UI_USE_NANOVG 1
#define DISTRHO_UI_USER_RESIZABLE 1
#define DISTRHO_UI_DEFAULT_WIDTH 960
#define DISTRHO_UI_DEFAULT_HEIGHT 600
#else
#define DISTRHO_PLUGIN_HAS_UI 0
#endif
