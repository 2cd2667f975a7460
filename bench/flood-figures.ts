/** What a flood of packets does to calls: what is measured, and how it is told. Pure. */
import type { CallersReport } from './callers/messages.ts';
import type { Cell } from './table.ts';

export type FloodOrder = { port: number; perSecond: number };
export type FloodReport = { sent: number; failed: number; seconds: number };

/**
 * Where the flood goes: `none`, to compare with; `voice`, a voice worker's end of the link; `media`, the media worker's end
 * of it; `browsers`, the port that browsers send to.
 */
export const FLOOD_KINDS = ['none', 'voice', 'media', 'browsers'] as const;
export type FloodKind = (typeof FLOOD_KINDS)[number];

export type FloodFigures = {
  kind: FloodKind;
  floodPerSecond: number;
  /** Packets that the kernel dropped at the port, since its buffer was full. */
  droppedAtPort: number;
  /** What the server itself says of it: `parley_rtp_kernel_drops_total` with `parley_media_kernel_drops_total`, and `parley_rtp_packets_rejected_total`. */
  toldDrops: number;
  toldRejected: number;
  /** CPU of server and media worker, as a share of a core. */
  serverShare: number;
  callers: CallersReport;
  /** Why it says nothing about the server. */
  void: string[];
};

export function floodRows(figures: readonly FloodFigures[]): Cell[][] {
  const heading = [
    'flood to',
    '1/s',
    'kernel dropped',
    'so told',
    'rejected',
    'calls lost',
    'packets lost',
    '> 20 ms late',
    'p99 ms',
    'p99.9 ms',
    'core %',
  ];
  return [
    heading,
    ...figures.map(
      ({ kind, floodPerSecond, droppedAtPort, toldDrops, toldRejected, callers, serverShare, void: reasons }) => [
        reasons.length > 0 ? `${kind} (void)` : kind,
        floodPerSecond,
        droppedAtPort,
        toldDrops,
        toldRejected,
        callers.dropped,
        callers.received.lost,
        callers.received.late20Ms,
        callers.receivedLatenessMs.p99,
        callers.receivedLatenessMs.p999,
        serverShare * 100,
      ],
    ),
  ];
}
