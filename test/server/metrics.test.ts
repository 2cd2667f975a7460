import { expect } from 'chai';
import { startTestServer } from '../support/running-server.ts';

describe('GET /metrics', () => {
  it('tells of sessions, connections, requests, the process and the media side', async () => {
    const server = await startTestServer();
    try {
      const { id } = await server.open();
      await server.request('GET', `/v2/sessions/${id}`);
      await server.request('GET', '/nothing/at/all');
      const { text, headers } = await server.request('GET', '/metrics');
      expect(headers.get('content-type')).to.include('text/plain');
      expect(text).to.include('parley_sessions{state="ready"} 1');
      expect(text).to.include('parley_connections 0');
      expect(text).to.include('parley_places_occupied 1');
      expect(text).to.include('parley_late_packets_total 7');
      expect(text).to.include('# TYPE parley_late_packets_total counter');
      expect(text).to.include('process_cpu_seconds_total');
      expect(text).to.include(
        'parley_http_request_seconds_count{method="GET",route="/v2/sessions/:id",status="200"} 1',
      );
      expect(text).to.include('parley_http_request_seconds_count{method="GET",route="other",status="404"} 1');
      expect(text).to.not.include(id);
    } finally {
      await server.close();
    }
  });
});
