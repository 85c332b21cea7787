import { problemForm, type StatusRoute } from './route.ts';
import { streamParameters } from './schemas.ts';

/** The path of a camera's live preview. */
export const previewPath = '/api/v1/streams/{index}/preview';

/** A request that does not ask for a WebSocket (RFC 9110 clause 15.5.22). */
const upgradeRequired = problemForm('The request does not ask for a WebSocket');

/** The live preview: the port itself answers, with a WebSocket. */
export function previewRoutes(): StatusRoute[] {
  return [
    {
      method: 'GET',
      path: previewPath,
      summary: 'The live picture of a camera over a WebSocket, as fragmented MP4; see docs/status-page.md',
      params: streamParameters,
      answers: {
        101: { text: 'From here on a WebSocket' },
        426: upgradeRequired,
      },
      handle: null,
    },
  ];
}
