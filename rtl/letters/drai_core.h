/* drai_core.h: registers of a drai_hw core. Made by: drai-hw rtl letters
 * Generated files belong to whoever generated them: use and change this one as you like.
 * Offsets are in bytes; registers are 32 bits. */
#ifndef DRAI_CORE_H
#define DRAI_CORE_H

#define DRAI_WINDOW_BYTES 4096u

/* This network. */
#define DRAI_MAGIC_VALUE 0x44524149u /* what MAGIC reads */
#define DRAI_MAP_VERSION 1u /* what VERSION reads in bits 7:0 */
#define DRAI_DIGEST0_VALUE 0x4028B799u /* what DIGEST0 reads: this network */
#define DRAI_DIGEST1_VALUE 0x76A0C8BEu /* what DIGEST1 reads: this network */
#define DRAI_N 35u /* oscillators */
#define DRAI_LANES 12u /* lanes L */
#define DRAI_PAGES 3u /* pages M */
#define DRAI_SLOTS 36u /* oscillator slots, padding included */
#define DRAI_WEIGHT_WORDS 54u /* weight words of L weights each */
#define DRAI_PHASE_BITS 6u /* P: bits of an input phase */
#define DRAI_ACCUMULATOR_BITS 16u /* A: bits of a phase; a turn is 2**A */
#define DRAI_WEIGHT_BITS 5u /* W: a weight is -(2**(W-1)-1) to 2**(W-1)-1 */

/* read, 32 bits. Identity: ASCII "DRAI". */
#define DRAI_MAGIC 0x00u

/* read, 32 bits. Version of this map (bits 7:0); bits 31:16 hold N. */
#define DRAI_VERSION 0x04u
#define DRAI_VERSION_MAP_SHIFT 0u
#define DRAI_VERSION_MAP_MASK 0x000000FFu
#define DRAI_VERSION_N_SHIFT 16u
#define DRAI_VERSION_N_MASK 0xFFFF0000u

/* read, 32 bits. SHA-256 digest of the design, bits 31:0. */
#define DRAI_DIGEST0 0x08u

/* read, 32 bits. Digest, bits 63:32. */
#define DRAI_DIGEST1 0x0Cu

/* read, 32 bits. Lanes L (bits 15:0) and pages M (bits 31:16). */
#define DRAI_GEOMETRY 0x10u
#define DRAI_GEOMETRY_LANES_SHIFT 0u
#define DRAI_GEOMETRY_LANES_MASK 0x0000FFFFu
#define DRAI_GEOMETRY_PAGES_SHIFT 16u
#define DRAI_GEOMETRY_PAGES_MASK 0xFFFF0000u

/* read, 2 bits. Bit 0 BUSY: a run is under way. Bit 1 ERROR: an access came while busy. */
#define DRAI_STATUS 0x14u
#define DRAI_STATUS_BUSY_SHIFT 0u
#define DRAI_STATUS_BUSY_MASK 0x00000001u
#define DRAI_STATUS_ERROR_SHIFT 1u
#define DRAI_STATUS_ERROR_MASK 0x00000002u

/* write, 9 bits. Bit 0 FIELD, 1 COUPLE, 2 LEARN: passes of a step; 3 RESUME: SHIL ramp and edge slots go on; 4 RUN: start STEPS steps; 5 RESEED: restart random streams, threshold sweep and counters; 6 CLEAR_ERROR; 7 EDGE: edge passes instead of couple passes; 8 CENSUS: every census before the couple pass. 7 and 8 do nothing where these are not compiled in. */
#define DRAI_CONTROL 0x18u
#define DRAI_CONTROL_FIELD_SHIFT 0u
#define DRAI_CONTROL_FIELD_MASK 0x00000001u
#define DRAI_CONTROL_COUPLE_SHIFT 1u
#define DRAI_CONTROL_COUPLE_MASK 0x00000002u
#define DRAI_CONTROL_LEARN_SHIFT 2u
#define DRAI_CONTROL_LEARN_MASK 0x00000004u
#define DRAI_CONTROL_RESUME_SHIFT 3u
#define DRAI_CONTROL_RESUME_MASK 0x00000008u
#define DRAI_CONTROL_RUN_SHIFT 4u
#define DRAI_CONTROL_RUN_MASK 0x00000010u
#define DRAI_CONTROL_RESEED_SHIFT 5u
#define DRAI_CONTROL_RESEED_MASK 0x00000020u
#define DRAI_CONTROL_CLEAR_ERROR_SHIFT 6u
#define DRAI_CONTROL_CLEAR_ERROR_MASK 0x00000040u
#define DRAI_CONTROL_EDGE_SHIFT 7u
#define DRAI_CONTROL_EDGE_MASK 0x00000080u
#define DRAI_CONTROL_CENSUS_SHIFT 8u
#define DRAI_CONTROL_CENSUS_MASK 0x00000100u

/* read, write, 24 bits. Steps of a run, 1 to 2**24 - 1. */
#define DRAI_STEPS 0x1Cu

/* read, write, 16 bits. Coupling gain K: a torque sum S moves a phase by K S / 2**SH LSB. */
#define DRAI_GAIN 0x20u

/* read, write, 12 bits. Largest second-harmonic strength k_s. */
#define DRAI_SHIL_MAX 0x24u

/* read, write, 12 bits. Growth of k_s a step. */
#define DRAI_SHIL_STEP 0x28u

/* read, write, 17 bits. Probability of a weight update, 1/65536; 65536 is always. */
#define DRAI_ETA 0x2Cu

/* read, write, 17 bits. Probability of a decay event, 1/65536; absent without decay. */
#define DRAI_DECAY 0x30u

/* read, write, 5 bits. 0: none; s + 1: dither of amplitude 2**s LSB. */
#define DRAI_DITHER 0x34u

/* read, write, 32 bits signed. Field threshold of the margin bit. */
#define DRAI_MARGIN 0x38u

/* read, write, 2 bits. Bit 0 margin gate, bit 1 resonance gate. */
#define DRAI_GATES 0x3Cu
#define DRAI_GATES_MARGIN_SHIFT 0u
#define DRAI_GATES_MARGIN_MASK 0x00000001u
#define DRAI_GATES_RESONANCE_SHIFT 1u
#define DRAI_GATES_RESONANCE_MASK 0x00000002u

/* read, write, 16 bits. Oscillator slot of STATE, OMEGA and INPUT; grows by one with each access of them. */
#define DRAI_INDEX 0x40u

/* read, write, 32 bits. Phase accumulator (bits A-1:0); read only: 31 margin bit and, where compiled in, 30 over, 29:28 lean (signed), 27 low. */
#define DRAI_STATE 0x44u
#define DRAI_STATE_THETA_SHIFT 0u
#define DRAI_STATE_THETA_MASK 0x00FFFFFFu
#define DRAI_STATE_LOW_SHIFT 27u
#define DRAI_STATE_LOW_MASK 0x08000000u
#define DRAI_STATE_LEAN_SHIFT 28u
#define DRAI_STATE_LEAN_MASK 0x30000000u
#define DRAI_STATE_OVER_SHIFT 30u
#define DRAI_STATE_OVER_MASK 0x40000000u
#define DRAI_STATE_MARGIN_SHIFT 31u
#define DRAI_STATE_MARGIN_MASK 0x80000000u

/* read, write, 24 bits signed. Tuning word, LSB a step (A bits). */
#define DRAI_OMEGA 0x48u

/* read, write, 32 bits. Bits 11:0 input strength F, 25:16 input phase psi (P bits), 30 clamp, 31 active. */
#define DRAI_INPUT 0x4Cu
#define DRAI_INPUT_STRENGTH_SHIFT 0u
#define DRAI_INPUT_STRENGTH_MASK 0x00000FFFu
#define DRAI_INPUT_PSI_SHIFT 16u
#define DRAI_INPUT_PSI_MASK 0x03FF0000u
#define DRAI_INPUT_CLAMP_SHIFT 30u
#define DRAI_INPUT_CLAMP_MASK 0x40000000u
#define DRAI_INPUT_ACTIVE_SHIFT 31u
#define DRAI_INPUT_ACTIVE_MASK 0x80000000u

/* read, write, 24 bits. Weight word (slot of the schedule) that WEIGHT starts at; lane counter to 0. */
#define DRAI_WEIGHT_ADDRESS 0x50u

/* read, write, 8 bits signed. Weight of the current lane, then the next; after L accesses the next word. Writing stores a word when its last lane has come. */
#define DRAI_WEIGHT 0x54u

/* read, write, 20 bits. Row sum of |w| from which a census flags an oscillator; row-budget only. */
#define DRAI_BUDGET 0x58u

/* read, write, 17 bits. Probability of a decay event where a flag stands, 1/65536; row-budget only. */
#define DRAI_SHRINK 0x5Cu

/* read, 32 bits. Counter: pairs evaluated in learning passes. */
#define DRAI_VISITED 0x60u

/* read, 32 bits. Counter: pairs whose gates were open. */
#define DRAI_GATED_ON 0x64u

/* read, 32 bits. Counter: pairs with an update event and open gates. */
#define DRAI_WRITTEN 0x68u

/* read, 32 bits. Counter: pairs whose stored weight changed. */
#define DRAI_CHANGED 0x6Cu

/* read, 32 bits. Steps since reset. */
#define DRAI_STEPS_DONE 0x70u

/* read, 12 bits. Present second-harmonic strength k_s. */
#define DRAI_SHIL 0x74u

/* read, write, 16 bits. Gain of row sums in the census of w, 0 is off; row-centring only. */
#define DRAI_CENTRE 0x78u

/* read, 10 bits. Slot of the next edge pass in the turn; edge-align only. */
#define DRAI_SLOT 0x7Cu

/* read, write, 6 bits. Replica whose STATE, OMEGA and INPUT are accessed; cores with replicas only. */
#define DRAI_REPLICA 0x80u

#endif
