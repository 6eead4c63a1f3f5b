async function getOfflineMessages(page = 1, pageSize = 50) {
  const response = await fetch(
    `/api/messages/offline?page=${page}&page_size=${pageSize}`,
    {
      headers: {
        'Authorization': `Bearer ${token}`
      }
    }
  );
  
  const data = await response.json();
  return data.data.messages;
}
