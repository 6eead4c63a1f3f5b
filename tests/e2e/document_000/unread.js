async function getUnreadCount() {
  const response = await fetch('/api/messages/unread_count', {
    headers: {
      'Authorization': `Bearer ${token}`
    }
  });
  
  const data = await response.json();
  return data.data;
}
